//! What the jump box finds: units, classes, pictures, views and settings, by typing.

use std::collections::BTreeMap;

use shared::classes;
use shared::format::bundle;
use shared::format::credits::Credit;
use shared::matching::{Fit, Sought, find};
use shared::tap::LayerInfo;
use shared::visualize::{Preset, SETTINGS, Setting};

use crate::address::checked;
use crate::making::describe;
use crate::protocol::DeviceChoice;
use crate::theme::Theme;
use crate::unit::{Unit, classes_of, listed, split_number};
use crate::unit_search;
use crate::view::View;

/// Something to jump to.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What kind it is, in one word.
    pub kind: &'static str,
    /// What it is called.
    pub title: String,
    /// What happens.
    pub jump: Jump,
}

/// What a jump does.
#[derive(Clone, Debug, PartialEq)]
pub enum Jump {
    /// Shows a view.
    View(View),
    /// Shows the wall of dreams.
    Wall,
    /// Chooses an objective.
    Objective(String),
    /// Opens another bundle beside the page, by its folder, at one of its units.
    Unit {
        /// The folder.
        bundle: String,
        /// The unit.
        unit: Unit,
    },
    /// Searches for the units that something excites.
    Find(String),
    /// Looks at a picture of the gallery, by its file.
    Picture(String),
    /// Opens a bundle that lies beside the page, by its folder.
    Bundle(String),
    /// Lists whose the pictures are.
    Credits,
    /// Changes a setting.
    Setting(&'static str, String),
    /// Changes all of them.
    Preset(Preset),
    /// Switches the device.
    Device(DeviceChoice),
    /// Switches the colours.
    Theme(Theme),
    /// Lists the keys.
    Keys,
}

/// Entries shown at most.
const LIMIT: usize = 12;

/// Entries of one kind, while there are others.
const OF_A_KIND: usize = 7;

/// What there is to jump to.
#[derive(Clone, Copy)]
pub struct Sights<'a> {
    /// The model's layers.
    pub layers: &'a [LayerInfo],
    /// Its classes.
    pub labels: &'a [String],
    /// The gallery's pictures.
    pub pictures: &'a [Credit],
    /// The bundles beside the page.
    pub bundles: &'a [bundle::Entry],
    /// Those that are not open, with the layers of their models.
    pub elsewhere: &'a [(bundle::Entry, Vec<LayerInfo>)],
    /// The verbs, and what each is called here.
    pub views: &'a [(View, &'static str)],
}

/// What matches the typed words, best first.
pub fn search(typed: &str, sights: Sights<'_>) -> Vec<Suggestion> {
    // `logits:"dog"` looks for classes, as `dog` does.
    let typed = typed.trim().to_lowercase();
    let class = classes_of(sights.layers).and_then(|layer| typed.strip_prefix(&layer.name));
    let typed = class.filter(|rest| rest.contains('"')).unwrap_or(&typed);
    let sought = Sought::new(typed, &[]);
    let mut found = find(&sought, |sought| matching(typed, sought, sights));
    found.sort_by_key(|(fit, _)| *fit);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (first, rest): (Vec<Suggestion>, Vec<Suggestion>) =
        found.into_iter().map(|(_, entry)| entry).partition(|entry| {
            let count = counts.entry(entry.kind).or_default();
            *count += 1;
            *count <= OF_A_KIND
        });
    let mut entries: Vec<Suggestion> = first.into_iter().chain(rest).collect();
    let asks = typed.chars().any(char::is_alphabetic) && !sights.pictures.is_empty();
    let excited = asks && !unit_search::pictures(typed, sights.pictures).is_empty();
    entries.truncate(if excited { LIMIT - 1 } else { LIMIT });
    if excited {
        let title = format!("Units that like “{}”", typed.trim());
        entries.push(Suggestion {
            kind: "search",
            title,
            jump: Jump::Find(typed.trim().to_owned()),
        });
    }
    entries
}

fn matching(typed: &str, sought: &Sought, sights: Sights<'_>) -> Vec<(Fit, Suggestion)> {
    let Sights { layers, labels, pictures, bundles, views, .. } = sights;
    let units = units(typed, sights).into_iter().map(|entry| (Fit::Whole, entry));
    let mut found: Vec<(Fit, Suggestion)> = units.collect();
    let mut offer = |entry: Suggestion| {
        if let Some(fit) = sought.fit(&entry.title, |_| false) {
            found.push((fit, entry));
        }
    };
    commands(views).into_iter().for_each(&mut offer);
    if bundles.len() > 1 {
        for bundle in bundles {
            let jump = Jump::Bundle(bundle.path.clone());
            offer(Suggestion { kind: "model", title: format!("Open {}", bundle.title), jump });
        }
    }
    if sought.is_empty() {
        return found;
    }
    for (fit, class) in classes::fitting(sought, labels) {
        let Some(layer) = classes_of(layers) else { break };
        let title = classes::title(class, labels);
        let unit = Unit { layer: layer.name.clone(), channel: class };
        let jump = Jump::Objective(unit.objective());
        found.push((fit, Suggestion { kind: "class", title, jump }));
    }
    for picture in pictures {
        // "picture" may be typed before its name; by itself it finds them all.
        let title = format!("Picture: {}", picture.title);
        if let Some(fit) = sought.fit(&title, |kind| picture.is_kind(kind)) {
            let jump = Jump::Picture(picture.file.clone());
            found.push((fit, Suggestion { kind: "picture", title, jump }));
        }
    }
    found.extend(setting(typed).map(|entry| (Fit::Whole, entry)));
    found
}

/// `mixed4a 11`, `4a 11`, `logits 543`; a layer's name alone offers its first unit. Where the
/// network that is open has no such unit, those of the others do.
pub fn units(typed: &str, sights: Sights<'_>) -> Vec<Suggestion> {
    let here = units_of(typed, sights.layers, |unit| Jump::Objective(unit.objective()));
    if !here.is_empty() {
        return here;
    }
    let of_bundle = |(bundle, layers): &(bundle::Entry, Vec<LayerInfo>)| {
        let jump = |unit: &Unit| Jump::Unit { bundle: bundle.path.clone(), unit: unit.clone() };
        let mut entries = units_of(typed, layers, jump);
        for entry in &mut entries {
            entry.title = format!("{} in {}", entry.title, bundle.title);
        }
        entries
    };
    sights.elsewhere.iter().flat_map(of_bundle).collect()
}

fn units_of(typed: &str, layers: &[LayerInfo], jump: impl Fn(&Unit) -> Jump) -> Vec<Suggestion> {
    let typed = typed.trim().to_lowercase();
    let (name, channel) = split_number(&typed);
    if name.is_empty() || name.contains(' ') {
        return Vec::new();
    }
    let mut matching = listed(layers, name);
    matching.sort_by_key(|layer| (layer.name != name, layer.name.len()));
    matching
        .into_iter()
        .filter(|layer| channel.is_none_or(|channel| channel < layer.channels))
        .take(4)
        .map(|layer| {
            let unit = Unit { layer: layer.name.clone(), channel: channel.unwrap_or(0) };
            let title = format!("{} : {}", unit.layer, unit.channel);
            Suggestion { kind: "unit", title, jump: jump(&unit) }
        })
        .collect()
}

/// `size 224`, `steps 64`, `parameterization pixel`.
fn setting(typed: &str) -> Option<Suggestion> {
    let words: Vec<&str> = typed.split([' ', ':']).filter(|word| !word.is_empty()).collect();
    let [name, value] = words[..] else { return None };
    if let Some(preset) = value.parse::<Preset>().ok().filter(|_| "preset".starts_with(name)) {
        let title = format!("preset {}", preset.name());
        return Some(Suggestion { kind: "setting", title, jump: Jump::Preset(preset) });
    }
    let setting = SETTINGS.iter().find(|setting| setting.key.starts_with(name))?;
    let (Setting { key, .. }, value) = checked(setting.key, value).ok()?;
    let title = format!("{key} {value}");
    Some(Suggestion { kind: "setting", title, jump: Jump::Setting(key, value) })
}

fn commands(views: &[(View, &str)]) -> Vec<Suggestion> {
    let entry = |kind, title: &str, jump| Suggestion { kind, title: title.to_owned(), jump };
    let mut entries = vec![entry("view", "Wall of dreams", Jump::Wall)];
    // The first is where one is already, as a rule.
    let (here, others) = views.split_at(views.len().min(1));
    let verbs = others.iter().chain(here);
    entries.extend(verbs.map(|(view, title)| entry("view", title, Jump::View(*view))));
    entries.extend([
        entry("device", "Compute on WebGPU", Jump::Device(DeviceChoice::WebGpu)),
        entry("device", "Compute on the CPU", Jump::Device(DeviceChoice::Cpu)),
        entry("page", "Light colours", Jump::Theme(Theme::Light)),
        entry("page", "Dark colours", Jump::Theme(Theme::Dark)),
        entry("page", "Keys", Jump::Keys),
        entry("page", "Credits of the pictures", Jump::Credits),
    ]);
    let choices = [
        ("size", ["64", "128", "224", "400"].as_slice()),
        ("parameterization", &["fourier", "pixel", "maco"]),
        ("transforms", &["none", "standard"]),
    ];
    for (key, values) in choices {
        for value in values {
            let title = format!("{key} {value}: {}", describe(key, value));
            entries.push(entry("setting", &title, Jump::Setting(key, (*value).to_owned())));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::tap::{Grid, Role, Sees};

    const VIEWS: [(View, &str); 2] =
        [(View::DREAM, "Dream a unit"), (View::LOOK, "Look at a picture")];

    fn layers() -> Vec<LayerInfo> {
        [("mixed4a", 512), ("mixed4a_3x3", 208), ("mixed4b", 512), ("logits", 1000)]
            .map(|(name, channels)| LayerInfo {
                name: name.to_owned(),
                aliases: Vec::new(),
                channels,
                grid: Grid::Convolutional { stride: 16 },
                sees: Sees::Pixels(300),
                role: if name == "logits" { Role::Classes } else { Role::Features },
            })
            .to_vec()
    }

    fn labels() -> Vec<String> {
        [
            "tench, Tinca tinca",
            "goldfish, Carassius auratus",
            "golden retriever",
            "dogsled",
            "dalmatian, coach dog",
            "volcano",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn pictures() -> Vec<Credit> {
        let credit = |file: &str, title: &str, kinds: &[&str]| Credit {
            file: file.to_owned(),
            title: title.to_owned(),
            category: "animals".to_owned(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            author: "Somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            licence_url: "https://example.org/".to_owned(),
            source: "a package".to_owned(),
            changes: "none".to_owned(),
            origin: None,
            note: None,
        };
        vec![
            credit("animals/dalmatian.jpg", "Dalmatian", &["dog"]),
            credit("food/pear.jpg", "Pear", &[]),
        ]
    }

    fn find(typed: &str) -> Vec<Suggestion> {
        let bundle = |path: &str, title: &str| bundle::Entry {
            path: path.to_owned(),
            title: title.to_owned(),
            weights: None,
            weights_coming: false,
        };
        let lite = bundle("lite", "EfficientNet-Lite0");
        let bundles = [bundle("googlenet", "GoogLeNet"), lite.clone()];
        let block = LayerInfo { name: "block8".to_owned(), channels: 112, ..layers().remove(0) };
        let sights = Sights {
            layers: &layers(),
            labels: &labels(),
            pictures: &pictures(),
            bundles: &bundles,
            elsewhere: &[(lite, vec![block])],
            views: &VIEWS,
        };
        search(typed, sights)
    }

    fn first(typed: &str) -> Jump {
        find(typed).remove(0).jump
    }

    #[test]
    fn a_picture_is_found_by_its_title() {
        let dalmatian = Jump::Picture("animals/dalmatian.jpg".to_owned());
        for typed in ["picture dalmatian", "picture: dalmatian"] {
            assert_eq!(first(typed), dalmatian, "{typed}");
        }
        assert_eq!(first("Pea"), Jump::Picture("food/pear.jpg".to_owned()));
    }

    #[test]
    fn another_model_is_opened_by_its_name() {
        assert_eq!(first("efficientnet"), Jump::Bundle("lite".to_owned()));
    }

    #[test]
    fn a_layer_and_a_number_are_a_unit() {
        for typed in ["mixed4a 11", "mixed4a:11", "  Mixed4a  11 ", "4a 11"] {
            assert_eq!(first(typed), Jump::Objective("mixed4a:11".to_owned()), "{typed}");
        }
    }

    #[test]
    fn a_number_beyond_the_layer_is_not_offered() {
        assert!(find("mixed4a 512").is_empty());
    }

    #[test]
    fn a_class_is_found_by_any_of_its_names() {
        assert_eq!(first("goldfish"), Jump::Objective("logits:1".to_owned()));
        assert_eq!(first("auratus"), Jump::Objective("logits:1".to_owned()));
        assert_eq!(first("retr"), Jump::Objective("logits:2".to_owned()));
    }

    #[test]
    fn slips_plurals_and_kinds_are_understood() {
        for (typed, class) in
            [("goldfsih", 1), ("volcanoe", 5), ("dalmation", 4), ("golden retreivers", 2)]
        {
            assert_eq!(first(typed), Jump::Objective(format!("logits:{class}")), "{typed}");
        }
        let dogs: Vec<Jump> = find("dogs").into_iter().map(|entry| entry.jump).collect();
        let class = |class: usize| Jump::Objective(format!("logits:{class}"));
        assert_eq!(
            dogs,
            [
                class(4),
                class(2),
                Jump::Picture("animals/dalmatian.jpg".to_owned()),
                class(3),
                Jump::Find("dogs".to_owned())
            ]
        );
        assert_eq!(first("logits:\"goldfish\""), class(1));
    }

    #[test]
    fn a_unit_of_another_network_is_offered_there() {
        let unit = Unit { layer: "block8".to_owned(), channel: 11 };
        let found = find("block8 11");
        assert_eq!(found[0].title, "block8 : 11 in EfficientNet-Lite0");
        assert_eq!(found[0].jump, Jump::Unit { bundle: "lite".to_owned(), unit });
        assert!(find("block8 112").is_empty());
    }

    #[test]
    fn one_kind_of_entry_leaves_room_for_the_others() {
        let dog = |number: usize| format!("dog number {number}");
        let labels: Vec<String> = (0..40).map(dog).collect();
        let pictures = pictures();
        let sights = Sights {
            layers: &layers(),
            labels: &labels,
            pictures: &pictures,
            bundles: &[],
            elsewhere: &[],
            views: &VIEWS,
        };
        let kinds: Vec<&str> = search("dogs", sights).iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds.len(), LIMIT);
        assert!(kinds.contains(&"picture") && kinds.last() == Some(&"search"), "{kinds:?}");
    }

    #[test]
    fn a_setting_is_changed_by_name_and_value() {
        assert_eq!(first("preset classic"), Jump::Preset(Preset::Classic));
        assert_eq!(first("size 96"), Jump::Setting("size", "96".to_owned()));
        assert_eq!(first("pixel"), Jump::Setting("parameterization", "pixel".to_owned()));
        assert!(find("size 5").is_empty());
    }

    #[test]
    fn nothing_typed_offers_the_commands() {
        let entries = find("");
        assert_eq!(entries[0].jump, Jump::Wall);
        assert!(entries.len() <= LIMIT);
    }

    #[test]
    fn nonsense_finds_nothing() {
        assert!(find("zzzz").is_empty());
    }
}
