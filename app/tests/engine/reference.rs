//! Real weights and photographs, where they lie beside the checkout.

use std::fs;
use std::path::PathBuf;

use shared::format::bundle::{Bundle, Part, labels_to_text};
use shared::models;

use crate::host::World;

/// The reference model as a bundle, and the folder it comes from.
pub struct Reference {
    folder: PathBuf,
    weights: Vec<u8>,
    labels: String,
    /// The bundle's description.
    pub bundle: Bundle,
}

impl Reference {
    /// Where the bundle is served.
    pub const BUNDLE: &'static str = "https://page.example/bundles/googlenet/bundle.json";
    /// Where its weights are.
    pub const WEIGHTS: &'static str = "https://page.example/bundles/googlenet/weights.safetensors";
    /// Where its labels are.
    pub const LABELS: &'static str = "https://page.example/bundles/googlenet/labels.txt";

    /// The reference, or nothing (and a word about it) where it is not here.
    pub fn find() -> Option<Self> {
        // From the package's folder, where cargo runs tests.
        let folder = PathBuf::from("../../shared");
        let weights = fs::read(folder.join("weights/bvlc_googlenet.safetensors"));
        let rows = fs::read_to_string(folder.join("weights/imagenet_labels.txt"));
        let (Ok(weights), Ok(rows)) = (weights, rows) else {
            eprintln!("skipped: reference data is not here");
            return None;
        };
        let labels: Vec<String> = rows
            .lines()
            .filter_map(|row| row.split_once('\t'))
            .map(|(_, names)| names.to_owned())
            .collect();
        let labels = labels_to_text(&labels);
        let info = models::info("googlenet").unwrap();
        let bundle = Bundle::new(
            &info,
            Some(Part::of("weights.safetensors", &weights)),
            Part::of("labels.txt", labels.as_bytes()),
        );
        Some(Self { folder, weights, labels, bundle })
    }

    /// Puts the bundle where the host finds it.
    pub fn serve(&self, world: &World) {
        let mut files = world.files.borrow_mut();
        files.insert(Self::BUNDLE.to_owned(), Ok(self.bundle.to_json().unwrap().into_bytes()));
        files.insert(Self::WEIGHTS.to_owned(), Ok(self.weights.clone()));
        files.insert(Self::LABELS.to_owned(), Ok(self.labels.clone().into_bytes()));
    }

    /// How the bundle describes its weights.
    pub fn weights_part(&self) -> &Part {
        self.bundle.weights.as_ref().unwrap()
    }

    /// The reference's answers: a photograph's file and its best class.
    pub fn answers(&self) -> Vec<(String, usize)> {
        let text = fs::read_to_string(self.folder.join("golden/googlenet_top5.json")).unwrap();
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = golden["pictures"].as_array().unwrap();
        rows.iter()
            .map(|row| {
                let file = row["file"].as_str().unwrap().to_owned();
                (file, row["argmax"].as_u64().unwrap() as usize)
            })
            .collect()
    }

    /// A photograph's size and RGBA bytes.
    pub fn photograph(&self, file: &str) -> (usize, usize, Vec<u8>) {
        let path = self.folder.join("images/imagenet-sample").join(file);
        let picture = image::open(path).unwrap().to_rgba8();
        (picture.width() as usize, picture.height() as usize, picture.into_raw())
    }
}
