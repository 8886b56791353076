//! A unit as typed, `mixed4a:11`: read, named, walked through.

use shared::tap::LayerInfo;
use shared::visualize::Objective;
use shared::visualize::objective::{Channel, Measure, ParseError};

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
    pub fn of(objective: &str, labels: &[String]) -> Option<Self> {
        let parsed: Objective = objective.parse().ok()?;
        let [term] = parsed.terms.as_slice() else { return None };
        let Measure::Unit { layer, channel, place: None } = &term.measure else { return None };
        if term.weight != 1.0 {
            return None;
        }
        let channel = match channel {
            Channel::Index(index) => *index,
            Channel::Label(label) => class_named(label, labels)?,
        };
        Some(Self { layer: layer.clone(), channel })
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

/// The class whose label, or one of its comma separated names, is this.
pub fn class_named(label: &str, labels: &[String]) -> Option<usize> {
    let wanted = label.trim();
    labels.iter().position(|known| known.eq_ignore_ascii_case(wanted)).or_else(|| {
        labels
            .iter()
            .position(|known| known.split(',').any(|name| name.trim().eq_ignore_ascii_case(wanted)))
    })
}

/// The first of a label's comma separated names.
pub fn short_label(label: &str) -> &str {
    label.split(',').next().unwrap_or(label).trim()
}

/// Where and why an objective cannot be dreamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1, counted in characters; nothing if no single place is to blame.
    pub column: Option<usize>,
    /// One sentence.
    pub message: String,
}

/// What is wrong with an objective, as far as it shows without running it.
pub fn mistake(typed: &str, layers: &[LayerInfo]) -> Option<Mistake> {
    let objective: Objective = match typed.parse() {
        Ok(objective) => objective,
        Err(ParseError { column, expected, found }) => {
            let message = format!("Expected {expected}, found {found}.");
            return Some(Mistake { column: Some(column), message });
        }
    };
    if layers.is_empty() {
        return None;
    }
    objective.terms.iter().find_map(|term| {
        let (name, channel) = match &term.measure {
            Measure::Unit { layer, channel: Channel::Index(index), .. } => (layer, Some(*index)),
            Measure::Unit { layer, .. } | Measure::Direction { layer, .. } => (layer, None),
            Measure::Layer(layer) | Measure::Similar(layer) => (layer, None),
            Measure::TotalVariation | Measure::L2 => return None,
        };
        let column = typed.find(name.as_str()).map(|byte| typed[..byte].chars().count() + 1);
        let Some(layer) = find_layer(layers, name) else {
            let names = layers.iter().map(|layer| layer.name.as_str());
            let nearest = shared::tap::nearest(name, names).unwrap_or_default();
            let message = format!("There is no layer {name}; the nearest is {nearest}.");
            return Some(Mistake { column, message });
        };
        channel.filter(|index| layer.channels <= *index).map(|index| Mistake {
            column: column.map(|column| column + name.chars().count() + 1),
            message: format!(
                "{name} has {} channels, 0 to {}; {index} is not one of them.",
                layer.channels,
                layer.channels.saturating_sub(1)
            ),
        })
    })
}

/// The layer of this name or alias.
pub fn find_layer<'a>(layers: &'a [LayerInfo], name: &str) -> Option<&'a LayerInfo> {
    layers
        .iter()
        .find(|layer| layer.name == name)
        .or_else(|| layers.iter().find(|layer| layer.aliases.iter().any(|alias| alias == name)))
}

/// The layers a list shows: all that match what is searched; without a search, the main ones.
///
/// A main layer is the output of a whole module: its branches and what comes before its
/// nonlinearity have names that start with its own. Pooling and normalisation are left out too:
/// they have no features of their own.
pub fn listed<'a>(layers: &'a [LayerInfo], search: &str) -> Vec<&'a LayerInfo> {
    let wanted = search.trim().to_lowercase();
    let matches = |name: &String| name.to_lowercase().contains(&wanted);
    layers
        .iter()
        .filter(|layer| {
            if wanted.is_empty() {
                is_main(layer, layers)
            } else {
                matches(&layer.name) || layer.aliases.iter().any(matches)
            }
        })
        .collect()
}

fn is_main(layer: &LayerInfo, layers: &[LayerInfo]) -> bool {
    let passes_on = ["maxpool", "avgpool", "localresponsenorm"];
    if passes_on.iter().any(|prefix| layer.name.starts_with(prefix)) {
        return false;
    }
    !layers.iter().any(|other| {
        layer.name.strip_prefix(other.name.as_str()).is_some_and(|rest| rest.starts_with('_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::tap::Nonlinearity;

    fn layer(name: &str, alias: &str, channels: usize) -> LayerInfo {
        LayerInfo {
            name: name.to_owned(),
            aliases: vec![alias.to_owned()],
            channels,
            stride: 16,
            receptive_field: 300,
            nonlinearity: Nonlinearity::After,
        }
    }

    fn layers() -> Vec<LayerInfo> {
        vec![
            layer("conv2d0", "conv1/7x7_s2", 64),
            layer("mixed4a_3x3", "inception_4a/3x3", 208),
            layer("mixed4a", "inception_4a/output", 512),
            layer("mixed4a_pre_relu", "", 512),
            layer("maxpool4", "pool3/3x3_s2", 480),
            layer("logits", "loss3/classifier", 1000),
        ]
    }

    #[test]
    fn an_objective_of_one_unit_is_that_unit() {
        let labels = ["tench, Tinca tinca".to_owned(), "dumbbell".to_owned()];
        let unit = |layer: &str, channel| Some(Unit { layer: layer.to_owned(), channel });
        assert_eq!(Unit::of("mixed4a:11", &labels), unit("mixed4a", 11));
        assert_eq!(Unit::of("logits:\"dumbbell\"", &labels), unit("logits", 1));
        assert_eq!(Unit::of("logits:\"Tinca tinca\"", &labels), unit("logits", 0));
        for other in ["mixed4a", "mixed4a:1 + mixed4a:2", "mixed4a:1@center", "2*mixed4a:1", ""] {
            assert_eq!(Unit::of(other, &labels), None, "{other}");
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
    fn a_mistake_says_where() {
        let at = |typed: &str| mistake(typed, &layers()).unwrap();
        let unknown = at("mixed4a:1 + mixde4a:3");
        assert_eq!(unknown.column, Some(13));
        assert!(unknown.message.contains("nearest is mixed4a"), "{}", unknown.message);
        let beyond = at("mixed4a:512");
        assert_eq!(beyond.column, Some(9));
        assert!(beyond.message.contains("0 to 511"), "{}", beyond.message);
        assert!(at("mixed4a:").column.is_some());
    }

    #[test]
    fn what_can_be_dreamed_is_no_mistake() {
        for typed in ["mixed4a:11", "inception_4a/output:3", "mixed4a:1 - 0.1*tv", "logits:\"dog\""]
        {
            assert_eq!(mistake(typed, &layers()), None, "{typed}");
        }
    }

    #[test]
    fn the_list_shows_modules_and_finds_the_rest() {
        let layers = layers();
        let names =
            |search| listed(&layers, search).iter().map(|l| l.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(""), ["conv2d0", "mixed4a", "logits"]);
        assert_eq!(names("4a/3X3"), ["mixed4a_3x3"]);
        assert_eq!(names("pre"), ["mixed4a_pre_relu"]);
        assert!(names("zzz").is_empty());
    }
}
