//! What a network's layers answer, by name.

use std::collections::BTreeMap;

use shared::burn::tensor::Tensor;
use shared::network::{Erosion, Network, Pass, Start};
use shared::tap::LayerId;

/// Activations by canonical layer name.
#[derive(Debug)]
pub struct Caught(pub BTreeMap<String, Tensor<4>>);

impl Caught {
    /// The activation caught at a layer, if it was asked for.
    pub fn get(&self, layer: &str) -> Option<Tensor<4>> {
        self.0.get(layer).cloned()
    }
}

/// An exact pass from a preprocessed picture.
pub fn forward(network: &Network, input: Tensor<4>, taps: &[&str]) -> shared::Result<Caught> {
    eroded(network, input, taps, Erosion::default())
}

/// The same, eroded.
pub fn eroded(
    network: &Network,
    input: Tensor<4>,
    taps: &[&str],
    erosion: Erosion,
) -> shared::Result<Caught> {
    let info = network.info();
    let taps: Vec<LayerId> =
        taps.iter().map(|tap| info.layer_id(tap)).collect::<shared::Result<_>>()?;
    let caught = network.forward(Start::Picture(input), &Pass { erosion, ..Pass::to(&taps) })?;
    let named =
        caught.0.into_iter().map(|(layer, value)| (info.at(layer).name.clone(), value.grid));
    Ok(Caught(named.collect()))
}
