//! What a term looks at.

use super::measure::{OfActivation, OfPicture};
use crate::readout::Derived;
use crate::tap::{Caught, LayerId, LayerInfo};

/// What a term looks at, with every name and number checked.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Activation { at: Looked, measure: OfActivation },
    Picture(OfPicture),
}

/// A layer that is looked at.
#[derive(Clone, Debug)]
pub(super) enum Looked {
    /// One of the network's.
    AtLayer(LayerId, LayerInfo),
    /// One that is read out of one of those.
    AtLatents(Derived),
}

impl Looked {
    /// What can be said of it.
    pub(super) fn info(&self) -> &LayerInfo {
        match self {
            Self::AtLayer(_, info) => info,
            Self::AtLatents(derived) => &derived.info,
        }
    }

    /// What the network has to catch for it.
    pub(super) fn tap(&self) -> LayerId {
        match self {
            Self::AtLayer(id, _) => *id,
            Self::AtLatents(derived) => derived.parent,
        }
    }

    /// What it gives where the network has caught this for it.
    pub(super) fn of(&self, caught: Caught) -> Caught {
        match self {
            Self::AtLayer(..) => caught,
            Self::AtLatents(derived) => derived.of(caught),
        }
    }
}
