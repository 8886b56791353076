//! Trained weights, and photographs with the classes that an independent implementation gives them.

#[path = "../../../shared/tests/reference/mod.rs"]
pub mod beside;

use std::fs;
use std::path::PathBuf;

use crate::made::Made;
use crate::page::Page;

/// Where each part of it lies.
pub struct Reference {
    weights: PathBuf,
    labels: PathBuf,
    answers: PathBuf,
    photographs: PathBuf,
}

impl Reference {
    /// The reference, or nothing (and a word about it) where it is not here.
    pub fn find() -> Option<Self> {
        Some(Self {
            weights: beside::path("weights/bvlc_googlenet.safetensors")?,
            labels: beside::path("weights/imagenet_labels.txt")?,
            answers: beside::path("golden/googlenet_top5.json")?,
            photographs: beside::path("images/imagenet-sample")?,
        })
    }

    /// A page with the trained network.
    pub fn page(&self) -> Page {
        let rows = fs::read_to_string(&self.labels).unwrap();
        let labels: Vec<String> = rows
            .lines()
            .filter_map(|row| row.split_once('\t'))
            .map(|(_, names)| names.to_owned())
            .collect();
        Made::new(fs::read(&self.weights).unwrap(), &labels).page()
    }

    /// A photograph's file and its best class.
    pub fn answers(&self) -> Vec<(String, usize)> {
        let text = fs::read_to_string(&self.answers).unwrap();
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
        let picture = image::open(self.photographs.join(file)).unwrap().to_rgba8();
        (picture.width() as usize, picture.height() as usize, picture.into_raw())
    }
}
