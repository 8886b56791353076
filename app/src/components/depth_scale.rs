//! How early or late a layer comes: from edges to objects.

use leptos::prelude::*;
use shared::tap::LayerInfo;

use crate::page::Page;
use crate::unit::{find_layer, listed};

/// A layer's place among the main ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depth {
    /// From 1, in forward order. A branch has that of the last main layer before it.
    pub place: usize,
    /// How many main layers there are.
    pub of: usize,
}

impl Depth {
    /// Of a layer, by any of its names; nothing where there is no such layer or only one.
    pub fn of_layer(name: &str, layers: &[LayerInfo]) -> Option<Self> {
        let layer = find_layer(layers, name)?;
        let main = listed(layers, "");
        let at = |wanted: &LayerInfo| layers.iter().position(|layer| layer.name == wanted.name);
        let here = at(layer)?;
        let place = main.iter().filter(|layer| at(layer) <= Some(here)).count().max(1);
        (1 < main.len()).then_some(Self { place, of: main.len() })
    }

    /// As a share of the way, 0..=1.
    pub fn share(self) -> f64 {
        (self.place - 1) as f64 / (self.of - 1) as f64
    }
}

/// A thin line from edges to objects, with a mark where the layer is.
#[component]
pub fn DepthScale(
    /// The layer, by any of its names.
    #[prop(into)]
    layer: Signal<String>,
) -> impl IntoView {
    let page = Page::here();
    let depth = Memo::new(move |_| {
        layer.with(|layer| page.layers.with(|layers| Depth::of_layer(layer, layers)))
    });
    let said = move || {
        depth.get().map(|Depth { place, of }| {
            format!("Layer {place} of {of}: early ones answer to edges, late ones to objects")
        })
    };
    let share = move || depth.get().map(|depth| format!("{:.1}%", 100.0 * depth.share()));
    view! {
        <Show when=move || depth.with(Option::is_some)>
            <p class="depth" role="img" data-testid="depth" aria-label=said title=said>
                <span>"edges"</span>
                <i style:--place=move || share().unwrap_or_default()></i>
                <span>"objects"</span>
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(model: &str, layer: &str) -> Option<Depth> {
        Depth::of_layer(layer, &shared::models::info(model).unwrap().layers)
    }

    #[test]
    fn layers_lie_between_edges_and_objects_in_their_order() {
        for (model, names) in [
            ("googlenet", ["conv2d0", "mixed3a", "mixed4a", "mixed5b", "logits"]),
            ("efficientnet-lite0", ["stem", "block4", "block8", "block15", "logits"]),
        ] {
            let shares: Vec<f64> =
                names.iter().map(|name| depth(model, name).unwrap().share()).collect();
            assert!(shares.is_sorted() && shares[1] < shares[2] && shares[2] < shares[3]);
            assert_eq!((shares[0], shares[4]), (0.0, 1.0), "{model}: {shares:?}");
        }
    }

    #[test]
    fn a_branch_lies_where_its_module_begins_and_an_unknown_layer_nowhere() {
        assert_eq!(depth("googlenet", "inception_4a/output"), depth("googlenet", "mixed4a"));
        let branch = depth("googlenet", "mixed4a_3x3").unwrap();
        let module = depth("googlenet", "mixed4a").unwrap();
        assert!(module.place.abs_diff(branch.place) <= 1, "{branch:?} {module:?}");
        assert_eq!(depth("googlenet", "mixed9z"), None);
    }
}
