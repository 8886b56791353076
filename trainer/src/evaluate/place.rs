//! Where in a store a dictionary's layer is.

use anyhow::Result;
use shared::readout::dictionary::Dictionary;

use crate::failure::WrongCall;
use crate::shards::Store;

/// Where a layer is in a store, for a dictionary of it.
pub fn place(store: &Store, layer: &str, dictionary: &Dictionary) -> Result<[usize; 2]> {
    let layout = store.layout();
    let place = layout.find(layer).ok_or_else(|| {
        let layers = layout.layers().collect::<Vec<_>>().join(", ");
        WrongCall(format!("the store has no layer {layer:?}, only {layers}"))
    })?;
    let (found, expected) = (dictionary.config().channels, layout.arrays[place[0]].channels);
    if found != expected {
        let wrong = format!("the dictionary takes {found} channels; {layer} has {expected}");
        return Err(WrongCall(wrong).into());
    }
    Ok(place)
}
