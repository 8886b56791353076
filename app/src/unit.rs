//! A unit as typed, `mixed4a:11`: read, named, walked through.

use shared::classes;
use shared::matching::few_slips;
use shared::tap::{LayerInfo, Role};
use shared::visualize::objective::{Channel, Typed};

/// One channel of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// As typed.
    pub layer: String,
    /// From 0.
    pub channel: usize,
}

impl Unit {
    /// The unit an objective consists of; nothing if it is more, or less, than one unit.
    ///
    /// `labels` are the class labels, for objectives such as `logits:"dumbbell"`.
    pub fn of(objective: &Typed, labels: &[String]) -> Option<Self> {
        let (layer, channel) = objective.objective()?.unit()?;
        let channel = match channel {
            Channel::Index(index) => *index,
            Channel::Label(label) => match classes::named(label, labels)[..] {
                [class] => class,
                _ => return None,
            },
        };
        Some(Self { layer: layer.to_owned(), channel })
    }

    /// The unit of a text such as `mixed4a:11`, as [`Self::objective`] writes it.
    pub fn read(text: &str) -> Option<Self> {
        Self::of(&Typed::new(text), &[])
    }

    /// As an objective.
    pub fn objective(&self) -> String {
        format!("{}:{}", self.layer, self.channel)
    }

    /// The unit so many places further, within the layer.
    pub fn moved(&self, by: isize, channels: usize) -> Self {
        let last = channels.saturating_sub(1);
        Self {
            layer: self.layer.clone(),
            channel: self.channel.saturating_add_signed(by).min(last),
        }
    }
}

/// The layer of this name or alias.
pub fn find_layer<'a>(layers: &'a [LayerInfo], name: &str) -> Option<&'a LayerInfo> {
    layers.iter().find(|layer| layer.is_called(name))
}

/// The layer whose units are classes.
pub fn classes_of(layers: &[LayerInfo]) -> Option<&LayerInfo> {
    layers.iter().find(|layer| layer.is_classes())
}

/// The layers a list shows: all that match what is searched, or else those that differ from it by a
/// slip; without a search, the main ones.
///
/// A main layer is the output of a whole module or block: its branches, its halves and what comes
/// before its nonlinearity have names that start with its own. Of a transformer's block the units
/// of its perceptron stand beside it: they alone have a nonlinearity of their own, and so a meaning
/// each. Pooling and normalisation are left out: they have no features of their own.
pub fn listed<'a>(layers: &'a [LayerInfo], search: &str) -> Vec<&'a LayerInfo> {
    let wanted = search.trim().to_lowercase();
    if wanted.is_empty() {
        return layers.iter().filter(|layer| is_main(layer, layers)).collect();
    }
    let called = |matches: &dyn Fn(&str) -> bool| -> Vec<&LayerInfo> {
        let names = |layer: &LayerInfo| {
            layer.aliases.iter().chain([&layer.name]).any(|name| matches(&name.to_lowercase()))
        };
        layers.iter().filter(|layer| names(layer)).collect()
    };
    let found = called(&|name| name.contains(&wanted));
    if found.is_empty() { called(&|name| few_slips(&wanted, name).is_some()) } else { found }
}

/// A search for layers, and the number of a unit that may follow: `mixed4a 11`, `mixed4a:11`.
pub fn split_number(search: &str) -> (&str, Option<usize>) {
    let search = search.trim();
    let halves = search.rsplit_once([' ', ':']);
    match halves.and_then(|(layer, number)| Some((layer, number.parse().ok()?))) {
        Some((layer, number)) => (layer.trim_end_matches([' ', ':']), Some(number)),
        None => (search, None),
    }
}

fn is_main(layer: &LayerInfo, layers: &[LayerInfo]) -> bool {
    let belongs_to = |other: &LayerInfo| {
        let rest = layer.name.strip_prefix(other.name.as_str());
        rest.is_some_and(|rest| rest.starts_with(['_', '.']))
    };
    let leads = layer.name.ends_with(PERCEPTRON) || !layers.iter().any(belongs_to);
    layer.role != Role::PassedThrough && leads
}

/// How the layer is called that holds the units of a block's perceptron.
const PERCEPTRON: &str = ".mlp.act";

#[cfg(test)]
mod tests {
    use super::*;
    use shared::tap::{Grid, Sees};

    fn layer(name: &str, alias: &str, channels: usize) -> LayerInfo {
        LayerInfo {
            name: name.to_owned(),
            aliases: vec![alias.to_owned()],
            channels,
            grid: Grid::Convolutional { stride: 16 },
            sees: Sees::Pixels(300),
            role: Role::Features,
        }
    }

    fn layers() -> Vec<LayerInfo> {
        let maxpool = layer("maxpool4", "pool3/3x3_s2", 480);
        let logits = layer("logits", "loss3/classifier", 1000);
        vec![
            layer("conv2d0", "conv1/7x7_s2", 64),
            layer("mixed4a_3x3", "inception_4a/3x3", 208),
            layer("mixed4a", "inception_4a/output", 512),
            layer("mixed4a_pre_relu", "", 512),
            LayerInfo { role: Role::PassedThrough, ..maxpool },
            LayerInfo { role: Role::Classes, ..logits },
        ]
    }

    #[test]
    fn an_objective_of_one_unit_is_that_unit() {
        let labels = ["tench, Tinca tinca".to_owned(), "dumbbell".to_owned()];
        let of = |text: &str| Unit::of(&Typed::new(text), &labels);
        let unit = |layer: &str, channel| Some(Unit { layer: layer.to_owned(), channel });
        assert_eq!(of("mixed4a:11"), unit("mixed4a", 11));
        assert_eq!(of("logits:\"dumbbell\""), unit("logits", 1));
        assert_eq!(of("logits:\"Tinca tinca\""), unit("logits", 0));
        for other in ["mixed4a", "mixed4a:1 + mixed4a:2", "mixed4a:1@center", "2*mixed4a:1", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn walking_stops_at_both_ends() {
        let unit = Unit { layer: "mixed4a".to_owned(), channel: 510 };
        assert_eq!(unit.moved(1, 512).channel, 511);
        assert_eq!(unit.moved(10, 512).channel, 511);
        assert_eq!(unit.moved(-1000, 512).channel, 0);
    }

    #[test]
    fn the_list_shows_modules_and_finds_the_rest() {
        let layers = layers();
        let names =
            |search| listed(&layers, search).iter().map(|l| l.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(""), ["conv2d0", "mixed4a", "logits"]);
        assert_eq!(names("4a/3X3"), ["mixed4a_3x3"]);
        assert_eq!(names("pre"), ["mixed4a_pre_relu"]);
        assert_eq!(names("mixde4a"), ["mixed4a"]);
        assert!(names("zzz").is_empty());
    }

    #[test]
    fn of_a_transformer_blocks_and_their_units_lead_and_the_rest_is_found() {
        let layers = shared::models::info("vit-tiny-patch16-224").unwrap().layers;
        let names = |search| -> Vec<&str> {
            listed(&layers, search).iter().map(|layer| layer.name.as_str()).collect()
        };
        let main = names("");
        assert_eq!(main.len(), 2 + 2 * 12 + 1, "{main:?}");
        assert_eq!(&main[..4], ["patch_embed", "tokens", "blocks.0.mlp.act", "blocks.0"]);
        assert_eq!(main.last(), Some(&"logits"));
        assert_eq!(names("blocks.10.attn"), ["blocks.10.attn.qkv", "blocks.10.attn"]);
        assert_eq!(names("norm"), ["norm"]);
    }

    #[test]
    fn a_number_may_follow_a_layer() {
        assert_eq!(split_number(" mixed4a 11 "), ("mixed4a", Some(11)));
        assert_eq!(split_number("4a/3x3: 5"), ("4a/3x3", Some(5)));
        assert_eq!(split_number("mixed4a"), ("mixed4a", None));
        assert_eq!(split_number("conv1 7x7"), ("conv1 7x7", None));
    }
}
