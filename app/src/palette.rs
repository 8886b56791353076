//! What the jump box finds: units, classes, pictures, views and settings, by typing.

use shared::format::bundle;
use shared::format::credits::Credit;
use shared::tap::LayerInfo;

use crate::address::{Theme, View};
use crate::making::{Making, describe};
use crate::protocol::DeviceChoice;
use crate::unit::{Unit, listed, short_label};

/// Something to jump to.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
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
    /// Looks at a picture of the gallery, by its file.
    Picture(String),
    /// Opens a bundle that lies beside the page, by its folder.
    Bundle(String),
    /// Lists whose the pictures are.
    Credits,
    /// Changes a setting.
    Setting(&'static str, String),
    /// Switches the device.
    Device(DeviceChoice),
    /// Switches the colours.
    Theme(Theme),
    /// Lists the keys.
    Keys,
}

/// Entries shown at most.
const LIMIT: usize = 12;

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
}

/// What matches the typed words, best first.
pub fn search(typed: &str, sights: Sights<'_>) -> Vec<Entry> {
    let Sights { layers, labels, pictures, bundles } = sights;
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split([' ', ':']).filter(|word| !word.is_empty()).collect();
    let mut found: Vec<(u32, Entry)> = Vec::new();
    found.extend(units(&words, layers).into_iter().map(|entry| (0, entry)));
    let mut offer = |entry: Entry| {
        if let Some(rank) = rank(&words, &entry.title.to_lowercase()) {
            found.push((rank, entry));
        }
    };
    commands().into_iter().for_each(&mut offer);
    if bundles.len() > 1 {
        for bundle in bundles {
            let jump = Jump::Bundle(bundle.path.clone());
            offer(Entry { kind: "model", title: format!("Open {}", bundle.title), jump });
        }
    }
    if !words.is_empty() {
        for (class, label) in labels.iter().enumerate() {
            offer(Entry {
                kind: "class",
                title: label.clone(),
                jump: Jump::Objective(format!("logits:{class}")),
            });
        }
        for picture in pictures {
            // "picture" may be typed before its name; by itself it finds them all.
            offer(Entry {
                kind: "picture",
                title: format!("Picture: {}", picture.title),
                jump: Jump::Picture(picture.file.clone()),
            });
        }
        if let Some(entry) = setting(&words) {
            found.push((0, entry));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, entry)| entry).take(LIMIT).collect()
}

/// `mixed4a 11`, `4a 11`, `logits 543`; a layer's name alone offers its first unit.
fn units(words: &[&str], layers: &[LayerInfo]) -> Vec<Entry> {
    let (name, channel) = match words {
        [] => return Vec::new(),
        [name] => (*name, None),
        [name, number] => match number.parse::<usize>() {
            Ok(channel) => (*name, Some(channel)),
            Err(_) => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let mut matching = listed(layers, name);
    matching.sort_by_key(|layer| (layer.name != name, layer.name.len()));
    matching
        .into_iter()
        .filter(|layer| channel.is_none_or(|channel| channel < layer.channels))
        .take(4)
        .map(|layer| {
            let unit = Unit { layer: layer.name.clone(), channel: channel.unwrap_or(0) };
            let title = format!("{} : {}", unit.layer, unit.channel);
            Entry { kind: "unit", title, jump: Jump::Objective(unit.objective()) }
        })
        .collect()
}

/// `size 224`, `steps 64`, `parameterization pixel`.
fn setting(words: &[&str]) -> Option<Entry> {
    let [typed, value] = words else { return None };
    let key = Making::KEYS.into_iter().find(|key| key.starts_with(typed))?;
    Making::default().set(key, value).ok()?;
    let title = format!("{key} {value}");
    Some(Entry { kind: "setting", title, jump: Jump::Setting(key, (*value).to_owned()) })
}

fn commands() -> Vec<Entry> {
    let entry = |kind, title: &str, jump| Entry { kind, title: title.to_owned(), jump };
    let mut entries = vec![
        entry("view", "Wall of dreams", Jump::Wall),
        entry("view", "Look at a picture", Jump::View(View::Look)),
        entry("view", "Exemplars of units", Jump::View(View::Exemplars)),
        entry("view", "Dream a unit", Jump::View(View::Dream)),
        entry("device", "Compute on WebGPU", Jump::Device(DeviceChoice::WebGpu)),
        entry("device", "Compute on the CPU", Jump::Device(DeviceChoice::Cpu)),
        entry("page", "Light colours", Jump::Theme(Theme::Light)),
        entry("page", "Dark colours", Jump::Theme(Theme::Dark)),
        entry("page", "Keys", Jump::Keys),
        entry("page", "Credits of the pictures", Jump::Credits),
    ];
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

/// Smaller is better; nothing if a word is missing. Whole names beat beginnings of words, those
/// beat their middles.
fn rank(words: &[&str], title: &str) -> Option<u32> {
    let starts: Vec<&str> = title.split([' ', ',', '-', ':']).collect();
    words.iter().try_fold(u32::from(!words.is_empty()), |sum, word| {
        let cost = if short_label(title) == *word {
            0
        } else if starts.contains(word) {
            2
        } else if starts.iter().any(|start| start.starts_with(word)) {
            3
        } else if title.contains(word) {
            8
        } else {
            return None;
        };
        Some(sum + cost)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::tap::Nonlinearity;

    fn layers() -> Vec<LayerInfo> {
        [("mixed4a", 512), ("mixed4a_3x3", 208), ("mixed4b", 512), ("logits", 1000)]
            .map(|(name, channels)| LayerInfo {
                name: name.to_owned(),
                aliases: Vec::new(),
                channels,
                stride: 16,
                receptive_field: 300,
                nonlinearity: Nonlinearity::After,
            })
            .to_vec()
    }

    fn labels() -> Vec<String> {
        ["tench, Tinca tinca", "goldfish, Carassius auratus", "golden retriever", "dogsled"]
            .map(str::to_owned)
            .to_vec()
    }

    fn pictures() -> Vec<Credit> {
        let credit = |file: &str, title: &str| Credit {
            file: file.to_owned(),
            title: title.to_owned(),
            category: "animals".to_owned(),
            author: "Somebody".to_owned(),
            licence: "CC0-1.0".to_owned(),
            licence_url: "https://example.org/".to_owned(),
            source: "a package".to_owned(),
            changes: "none".to_owned(),
            origin: None,
            note: None,
        };
        vec![credit("animals/dalmatian.jpg", "Dalmatian"), credit("food/pear.jpg", "Pear")]
    }

    fn find(typed: &str) -> Vec<Entry> {
        let bundle = |path: &str, title: &str| bundle::Entry {
            path: path.to_owned(),
            title: title.to_owned(),
            weights: None,
            weights_coming: false,
        };
        let bundles = [bundle("googlenet", "GoogLeNet"), bundle("lite", "EfficientNet-Lite0")];
        let (layers, labels, pictures) = (layers(), labels(), pictures());
        let sights =
            Sights { layers: &layers, labels: &labels, pictures: &pictures, bundles: &bundles };
        search(typed, sights)
    }

    fn first(typed: &str) -> Jump {
        find(typed).remove(0).jump
    }

    #[test]
    fn a_picture_is_found_by_its_title() {
        let dalmatian = Jump::Picture("animals/dalmatian.jpg".to_owned());
        for typed in ["picture dalmatian", "Dalm", "picture: dalmatian"] {
            assert_eq!(first(typed), dalmatian, "{typed}");
        }
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
    fn a_setting_is_changed_by_name_and_value() {
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
