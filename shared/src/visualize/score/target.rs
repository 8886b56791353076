//! What a term looks at.

use super::measure::{OfActivation, OfPicture};
use crate::readout::Looked;

/// What a term looks at, with every name and number checked.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Activation { at: Looked, measure: OfActivation },
    Picture(OfPicture),
}
