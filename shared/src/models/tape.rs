//! What a forward pass still has to catch.

use std::collections::BTreeSet;

use burn::tensor::Tensor;

use crate::Result;
use crate::models::ModelInfo;
use crate::tap::Activations;

/// Canonical names still wanted, and what was caught so far.
pub(super) struct Tape<'a> {
    wanted: BTreeSet<&'a str>,
    caught: Activations,
}

/// What a module has to deliver as a whole.
#[derive(Clone, Copy)]
pub(super) struct Need {
    /// Its branches joined before their ReLU.
    pub before: bool,
    /// Its output.
    pub after: bool,
}

impl Need {
    /// Whether every branch has to run to its end.
    pub fn all_branches(self) -> bool {
        self.before || self.after
    }
}

impl<'a> Tape<'a> {
    /// # Errors
    /// A tap that is no layer of the model.
    pub fn new(info: &'a ModelInfo, taps: &[&str]) -> Result<Self> {
        let wanted =
            taps.iter().map(|tap| Ok(info.layer(tap)?.name.as_str())).collect::<Result<_>>()?;
        Ok(Self { wanted, caught: Activations::default() })
    }

    /// Whether this layer is still wanted.
    pub fn wants(&self, layer: &str) -> bool {
        self.wanted.contains(layer)
    }

    /// Keeps the value if it is wanted.
    pub fn offer(&mut self, layer: &str, value: &Tensor<4>) {
        if self.wanted.remove(layer) {
            self.caught.0.insert(layer.to_owned(), value.clone());
        }
    }

    /// Whether everything wanted was caught.
    pub fn is_complete(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What the module of this name has to deliver, when its turn comes.
    pub fn need(&self, module: &str, pre_relu: &str) -> Need {
        let before = self.wants(pre_relu);
        let inner = self.wanted.iter().filter(|name| belongs(name, module)).count();
        // Whatever is wanted and lies neither inside nor before lies behind the module's output.
        let after = self.wants(module) || self.wanted.len() > inner;
        Need { before, after }
    }

    /// How many of these layers, in forward order, have to run.
    pub fn layers_needed<'l>(&self, layers: impl Iterator<Item = &'l str>) -> usize {
        let is_needed = |layer: &str| self.wanted.iter().any(|name| belongs(name, layer));
        layers
            .enumerate()
            .filter(|(_, layer)| is_needed(layer))
            .map(|(place, _)| place + 1)
            .max()
            .unwrap_or_default()
    }

    /// What was caught.
    pub fn into_activations(self) -> Activations {
        self.caught
    }
}

/// Whether `name` is `layer` or a part of it (`mixed4a_1x1`, `conv2d0_pre_relu`).
fn belongs(name: &str, layer: &str) -> bool {
    name.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}
