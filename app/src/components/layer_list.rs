//! Every layer with its channels; the one in use stands out.

use leptos::prelude::*;
use shared::tap::{LayerInfo, Sees};

use crate::components::depth_scale::DepthScale;
use crate::layer_words::explained;
use crate::page::Page;
use crate::palette::{Sights, Suggestion, units};
use crate::unit::{listed, split_number};

/// A searchable list of layers.
#[component]
pub fn LayerList(
    /// The name of the one in use.
    selected: Signal<String>,
    /// Hears the name of the one that is chosen, and the number of a unit if one was typed.
    choose: Callback<(String, Option<usize>)>,
) -> impl IntoView {
    let page = Page::here();
    let (typed, set_typed) = signal(String::new());
    let shown = Memo::new(move |_| {
        page.layers.with(|layers| {
            let mut shown: Vec<LayerInfo> = typed
                .with(|typed| listed(layers, split_number(typed).0).into_iter().cloned().collect());
            // The one in use is shown even if it is a branch.
            let used = selected.get();
            if typed.with(String::is_empty) && !shown.iter().any(|layer| layer.name == used) {
                let used = layers.iter().position(|layer| layer.name == used);
                if let Some(place) = used {
                    let before = |name: &String| {
                        layers.iter().position(|layer| layer.name == *name) < Some(place)
                    };
                    let at = shown.iter().take_while(|layer| before(&layer.name)).count();
                    shown.insert(at, layers[place].clone());
                }
            }
            shown
        })
    });
    let widest = Memo::new(move |_| {
        page.layers.with(|layers| layers.iter().map(|layer| layer.channels).max().unwrap_or(1))
    });
    let hidden = move || {
        let all = page.layers.with(|layers| layers.len());
        all.saturating_sub(shown.with(Vec::len))
    };
    let row = move |layer: LayerInfo| {
        let name = StoredValue::new(layer.name.clone());
        let on = move || selected.with(|selected| name.with_value(|name| name == selected));
        let width = move || 100.0 * layer.channels as f64 / widest.get() as f64;
        let sees = match layer.sees {
            Sees::Everything => "sees everything".to_owned(),
            Sees::Pixels(side) => format!("sees {side} px"),
        };
        let holds = explained(&layer.name).map(|words| format!("{words}: ")).unwrap_or_default();
        let aliases = layer.aliases.join(", ");
        let title = format!("{holds}{} channels, {sees}. {aliases}", layer.channels);
        view! {
            <li>
                <button
                    class="layer"
                    class:on=on
                    title=title
                    data-layer=layer.name.clone()
                    aria-pressed=move || on().to_string()
                    on:click=move |_| {
                        let number = typed.with_untracked(|typed| split_number(typed).1);
                        choose.run((name.get_value(), number));
                    }
                >
                    <span class="name">{layer.name.clone()}</span>
                    <i prop:style=move || format!("--share:{:.1}%", width())></i>
                    <span class="count">{layer.channels}</span>
                </button>
            </li>
        }
    };
    // Those of the networks that are not open.
    let elsewhere = move || {
        let others = page.elsewhere();
        let sights = Sights {
            layers: &[],
            labels: &[],
            pictures: &[],
            bundles: &[],
            elsewhere: &others,
            views: &[],
        };
        units(&typed.get(), sights)
    };
    let other = move |Suggestion { title, jump, .. }: Suggestion| {
        let go = move |_| page.jump(jump.clone());
        view! { <button class="button" data-testid="other-unit" on:click=go>{title}</button> }
    };
    view! {
        <section>
            <h2>
                <span>"Layers"</span>
                <span>"channels"</span>
            </h2>
            <input
                class="filter"
                type="search"
                aria-label="Search layers"
                placeholder="Search by any published name"
                on:input=move |event| set_typed.set(event_target_value(&event))
            />
            <DepthScale layer=selected/>
            {move || {
                let holds = selected.with(|selected| explained(selected));
                holds.map(|holds| view! { <p class="holds" data-testid="layer-words">{holds}</p> })
            }}
            <ul class="layers" data-testid="layer-list">
                {move || shown.get().into_iter().map(row).collect_view()}
            </ul>
            <Show when=move || typed.with(String::is_empty) && hidden() != 0>
                <p class="aside">{hidden}" more: branches and halves of blocks, pools, values before the nonlinearity. Search shows them."</p>
            </Show>
            <Show when=move || shown.with(Vec::is_empty) && !typed.with(String::is_empty)>
                <p class="aside">"No layer of this network is called that."</p>
                <div class="ways">{move || elsewhere().into_iter().map(other).collect_view()}</div>
            </Show>
        </section>
    }
}
