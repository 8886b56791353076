//! What a term looks at.

use super::measure::{OfActivation, OfPicture};
use crate::tap::LayerId;

/// What a term looks at, with every name and number checked.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Activation { layer: LayerId, name: String, measure: OfActivation },
    Picture(OfPicture),
}
