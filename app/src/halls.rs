//! The halls: of each network its best units, chosen by eye, with a picture of each and how that grew.
//!
//! The page as served shows one before any of this code runs: `index.html` is the list of all.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, NodeList};

use crate::site;

/// A network's units in the order they hang; each has its picture in a file of the page's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hall {
    /// The network's name in the registry.
    pub network: String,
    /// What hangs there.
    pub pieces: Vec<Piece>,
    /// The steps whose pictures were kept while these pictures grew; the last is their own.
    pub steps: Vec<usize>,
}

/// A unit that hangs in a hall.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// As an objective: `mixed4a:11`.
    pub unit: String,
    /// For people: `mixed4a : 11`, `volcano`.
    pub title: String,
    /// The same where there is little room: `11`, `volcano`.
    pub short: String,
}

/// How a picture grew, recorded beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The address of the pictures on the way, side by side.
    pub strip: String,
    /// The address of the finished picture.
    pub finished: String,
    /// The step of each of these pictures, the finished one's last.
    pub steps: Vec<usize>,
}

/// All halls.
pub fn hung() -> Vec<Hall> {
    elements(document().query_selector_all("#first .wall"))
        .into_iter()
        .map(|wall| Hall {
            network: wall.get_attribute("data-network").unwrap_or_default(),
            pieces: elements(wall.query_selector_all("[data-unit]"))
                .iter()
                .filter_map(Piece::hung)
                .collect(),
            steps: numbers(&wall.get_attribute("data-steps").unwrap_or_default()),
        })
        .collect()
}

impl Piece {
    /// A unit that nobody has titled.
    pub fn untitled(layer: &str, channel: usize) -> Self {
        Self {
            unit: format!("{layer}:{channel}"),
            title: format!("{layer} : {channel}"),
            short: channel.to_string(),
        }
    }

    /// As the page was served.
    fn hung(element: &Element) -> Option<Self> {
        let said = |part| element.query_selector(part).ok()??.text_content();
        let unit = element.get_attribute("data-unit")?;
        Some(Self { unit, title: said(".caption b")?, short: said(".caption i")? })
    }
}

impl Hall {
    /// The address of a unit's picture: `dreams/mixed4a_11.jpg`; nothing for one that hangs elsewhere.
    pub fn picture(&self, unit: &str) -> Option<String> {
        let hangs = self.pieces.iter().any(|piece| piece.unit == unit);
        hangs.then(|| site::address(&format!("dreams/{}.jpg", stem(unit))))
    }

    /// How a unit's picture grew; nothing for one that hangs elsewhere, or was not recorded.
    pub fn recorded(&self, unit: &str) -> Option<Recorded> {
        let finished = self.picture(unit)?;
        let strip = site::address(&format!("dreams/growth/{}.webp", stem(unit)));
        (2 <= self.steps.len()).then(|| Recorded { strip, finished, steps: self.steps.clone() })
    }
}

/// What a unit's files are called.
fn stem(unit: &str) -> String {
    unit.replace(':', "_")
}

fn numbers(text: &str) -> Vec<usize> {
    text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn elements<E>(found: Result<NodeList, E>) -> Vec<Element> {
    let Ok(found) = found else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect()
}
