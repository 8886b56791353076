//! What layers and their units are called, for people: only classes have names of their own.

use std::sync::Arc;

use leptos::prelude::*;
use shared::tap::Role;

use super::Page;
use crate::layer_words::explained;
use crate::unit::{Unit, classes_of, find_layer};

impl Page {
    /// Whether a layer's units are classes. Reactive.
    pub fn is_classes(self, layer: &str) -> bool {
        self.layers.with(|layers| find_layer(layers, layer).is_some_and(|layer| layer.is_classes()))
    }

    /// The unit that stands for a class; nothing where the model has no classes. Reactive.
    pub fn class(self, channel: usize) -> Option<Unit> {
        let layer = self.layers.with(|layers| Some(classes_of(layers)?.name.clone()))?;
        Some(Unit { layer, channel })
    }

    /// What a layer's units are called, where they are classes; empty before the names are here.
    /// Reactive.
    pub fn labels_of(self, layer: &str) -> Option<Arc<Vec<String>>> {
        self.is_classes(layer).then(|| self.labels.get())
    }

    /// A layer's name. Reactive.
    pub fn layer_words(self, layer: &str) -> String {
        if self.is_classes(layer) { "classes" } else { layer }.to_owned()
    }

    /// What a layer holds, as the start of a line about it; empty where its name says it.
    pub fn holds(self, layer: &str) -> String {
        explained(layer).map(|words| format!("{words} · ")).unwrap_or_default()
    }

    /// What is strong or weak at a place of a layer. Reactive.
    pub fn channels_word(self, layer: &str) -> &'static str {
        match self.units_word(layer) {
            "latents" => "latents",
            _ => "channels",
        }
    }

    /// What a layer has many of. Reactive.
    pub fn units_word(self, layer: &str) -> &'static str {
        let role = self.layers.with(|layers| find_layer(layers, layer).map(|layer| layer.role));
        match role {
            Some(Role::Classes) => "classes",
            Some(Role::Latents) => "latents",
            _ => "units",
        }
    }
}
