//! GoogLeNet as a bundle, its weights from a formula: here wherever the tests are.

use std::sync::LazyLock;

use app::protocol::{DeviceChoice, Event, OpenDevice};
use shared::format::bundle::{Bundle, Part, labels_to_text};
use shared::models::inception::Variant;
use shared::models::{self, ModelInfo};
use shared::weights::NamedTensors;

use crate::formula;
use crate::host::World;
use crate::page::Page;
use crate::zip::{Entry, zip};

/// The network with weights from a formula.
pub static MADE: LazyLock<Made> = LazyLock::new(|| {
    let labels: Vec<String> = (0..1000).map(|class| format!("class {class}")).collect();
    Made::new(formula::file(Variant::GoogLeNet), &labels)
});

/// Its weights, one by one.
pub static TENSORS: LazyLock<NamedTensors> = LazyLock::new(|| formula::weights(Variant::GoogLeNet));

/// The network and its bundle.
pub struct Made {
    /// The weights in a file.
    pub weights: Vec<u8>,
    labels: String,
    /// The bundle's description.
    pub bundle: Bundle,
}

impl Made {
    /// Where the bundle is served.
    pub const BUNDLE: &'static str = "https://page.example/bundles/googlenet/bundle.json";
    /// Where its weights are.
    pub const WEIGHTS: &'static str = "https://page.example/bundles/googlenet/weights.safetensors";
    /// Where its labels are.
    pub const LABELS: &'static str = "https://page.example/bundles/googlenet/labels.txt";

    /// GoogLeNet's bundle of these weights, which are a file, and labels.
    pub fn new(weights: Vec<u8>, labels: &[String]) -> Self {
        Self::of(&Self::info(), weights, labels)
    }

    /// Another network's, at the same address.
    pub fn of(info: &ModelInfo, weights: Vec<u8>, labels: &[String]) -> Self {
        let labels = labels_to_text(labels);
        let part = Part::of("weights.safetensors", &weights);
        let labels_part = Part::of("labels.txt", labels.as_bytes());
        let bundle = Bundle::new(info, Some(part), labels_part);
        Self { weights, labels, bundle }
    }

    /// What is known of the network.
    pub fn info() -> ModelInfo {
        models::info("googlenet").unwrap()
    }

    /// Puts the bundle where the host finds it.
    pub fn serve(&self, world: &World) {
        let mut files = world.files.borrow_mut();
        files.insert(Self::BUNDLE.to_owned(), Ok(self.json(&self.bundle)));
        files.insert(Self::WEIGHTS.to_owned(), Ok(self.weights.clone()));
        files.insert(Self::LABELS.to_owned(), Ok(self.labels.clone().into_bytes()));
    }

    /// Puts the bundle there as one that has no weights.
    pub fn serve_without_weights(&self, world: &World) {
        self.serve(world);
        let bundle = Bundle { weights: None, ..self.bundle.clone() };
        let mut files = world.files.borrow_mut();
        files.insert(Self::BUNDLE.to_owned(), Ok(self.json(&bundle)));
        files.remove(Self::WEIGHTS);
    }

    /// The bundle's files in an archive, in its folder.
    pub fn entries(&self) -> Vec<Entry> {
        vec![
            Entry::stored("googlenet/bundle.json", &self.json(&self.bundle)),
            Entry::stored("googlenet/weights.safetensors", &self.weights),
            Entry::stored("googlenet/labels.txt", self.labels.as_bytes()),
        ]
    }

    /// The bundle in an archive.
    pub fn zip(&self) -> Vec<u8> {
        zip(&self.entries())
    }

    /// A page that serves the bundle and has its model loaded.
    pub fn page(&self) -> Page {
        let mut page = Page::new();
        self.serve(&page.world);
        page.ask(OpenDevice(DeviceChoice::Automatic));
        let load = page.load();
        page.drive();
        assert_eq!(page.end(load), Some(Event::Done));
        page
    }

    /// How the bundle describes its weights.
    pub fn weights_part(&self) -> &Part {
        self.bundle.weights.as_ref().unwrap()
    }

    fn json(&self, bundle: &Bundle) -> Vec<u8> {
        bundle.to_json().unwrap().into_bytes()
    }
}
