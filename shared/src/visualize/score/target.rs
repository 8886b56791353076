//! What a term looks at.

use burn::tensor::Tensor;

use super::measure::{OfActivation, OfPicture};
use crate::readout::Derived;
use crate::tap::LayerId;

/// What a term looks at, with every name and number checked.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Activation { at: Looked, measure: OfActivation },
    Picture(OfPicture),
}

/// A layer that is looked at: one of the network's, or one that is read out of one.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    /// The canonical name.
    pub(super) name: String,
    /// What the network has to catch for it.
    pub(super) tap: LayerId,
    /// What is read out of that, if it is not looked at itself.
    pub(super) readout: Option<Box<Derived>>,
}

impl Looked {
    /// What the layer gives where the network has caught this for it.
    ///
    /// # Shapes
    /// - `caught`: `[batch, channels, height, width]`
    pub(super) fn of(&self, caught: Tensor<4>) -> Tensor<4> {
        match &self.readout {
            Some(readout) => readout.of(caught),
            None => caught,
        }
    }
}
