//! A network is a graph of data, and one executor runs it.
//!
//! A model file builds a [`Graph`] that reads like its paper. Which nodes a tap needs, where a pass
//! may start and what may be edited come from the graph's edges, never from names.

mod erosion;
mod execute;
mod fit;
mod graph;
mod info;
mod pass;
mod sets;
mod tokens;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use crate::Result;
use crate::tap::LayerId;
use crate::weights::{Precision, SafetensorsWriter, StoredTensors};

use fit::{Fitted, Fitting};

pub use erosion::Erosion;
pub use graph::{Graph, NodeId};
pub use info::{ModelInfo, find_layer};
pub use pass::{Change, Edit, Pass, Places, Pullback, Start};
pub use sets::Choice;

pub(crate) use fit::{Part, Source, Then};
pub(crate) use tokens::{Positions, Resizing};

/// A network without its weights: what a model file gives.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// Names, sizes, preprocessing.
    pub info: ModelInfo,
    graph: Graph,
    is_ignored: fn(&str) -> bool,
}

impl Blueprint {
    /// A graph and what is known of it. The layers of `info` become those of the graph. Tensors
    /// that are `is_ignored` may stand in a file: training's, another network's.
    pub fn new(mut info: ModelInfo, graph: Graph, is_ignored: fn(&str) -> bool) -> Self {
        info.layers = graph.layers().to_vec();
        Self { info, graph, is_ignored }
    }

    /// What the naming of this number calls the tensors, and their shapes.
    pub fn tensors(&self, naming: usize) -> BTreeMap<String, Vec<usize>> {
        let sources = self.graph.kernels.iter().filter_map(|kernel| kernel.sources.get(naming));
        sources.flat_map(Source::tensors).collect()
    }

    /// Which of the sets of weights in a file is taken; nothing where no more than one fits.
    pub fn choice(&self, weights: &StoredTensors<'_>) -> Option<Choice> {
        let choice = sets::choose(&self.namings(), weights);
        (!choice.left.is_empty()).then_some(choice)
    }

    /// The network with weights in any of its published namings, whatever a training script put
    /// before the names ([`Blueprint::choice`]). Batch normalisation is folded into convolutions.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, wrongly shaped or not finite, in one error.
    pub fn load<'a>(
        self,
        weights: impl Into<StoredTensors<'a>>,
        device: &Device,
    ) -> Result<Network> {
        let (sources, mut fitting) = self.fitting(weights.into())?;
        // The network is frozen: its weights stay off the gradient tape.
        let device = device.clone().inner();
        let kernels = self.graph.kernels.iter().zip(&sources).filter_map(|(kernel, source)| {
            let fitted = fitting.fitted(source, kernel.shape[0])?;
            Some(Frozen::new(kernel.shape, fitted, &device))
        });
        let weights = kernels.collect();
        fitting.finish()?;
        Ok(Network { info: self.info, graph: self.graph, weights })
    }

    /// A safetensors file of the tensors that the network takes, as they are.
    ///
    /// # Errors
    /// As [`Blueprint::load`], or a value too large for the precision.
    pub fn taken<'a>(
        &self,
        weights: impl Into<StoredTensors<'a>>,
        precision: Precision,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>> {
        let (sources, mut fitting) = self.fitting(weights.into())?;
        let tensors = || sources.iter().flat_map(Source::tensors);
        let mut file = SafetensorsWriter::new(tensors().collect(), precision, metadata);
        for (name, shape) in tensors() {
            if let Some(values) = fitting.take(&name, &shape) {
                file.put(&name, &values);
            }
        }
        fitting.finish()?;
        Ok(file.finish()?)
    }

    /// A safetensors file of the tensors with batch normalisation folded in, under the names of the
    /// naming of this number, none of which may have any.
    ///
    /// # Errors
    /// As [`Blueprint::taken`].
    pub fn folded<'a>(
        &self,
        weights: impl Into<StoredTensors<'a>>,
        naming: usize,
        precision: Precision,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>> {
        let (sources, mut fitting) = self.fitting(weights.into())?;
        let mut file = SafetensorsWriter::new(self.tensors(naming), precision, metadata);
        for (kernel, source) in self.graph.kernels.iter().zip(&sources) {
            let fitted = fitting.fitted(source, kernel.shape[0]);
            let Some(Fitted { weight, bias }) = fitted else { continue };
            let named = kernel.sources.get(naming).into_iter().flat_map(Source::tensors);
            for ((name, _), values) in named.zip([weight, bias]) {
                file.put(&name, &values);
            }
        }
        fitting.finish()?;
        Ok(file.finish()?)
    }

    /// Whether a file of these names and shapes is one of the network's; values are not looked at.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected or wrongly shaped, in one error.
    pub fn check<'a>(&self, weights: impl Into<StoredTensors<'a>>) -> Result<()> {
        let (sources, mut fitting) = self.fitting(weights.into())?;
        for (name, shape) in sources.iter().flat_map(Source::tensors) {
            fitting.take(&name, &shape);
        }
        Ok(fitting.finish()?)
    }

    /// The tensors of the set that is taken, and what they are called in it.
    fn fitting<'a>(&self, weights: StoredTensors<'a>) -> Result<(Vec<Source>, Fitting<'a>)> {
        let namings = self.namings();
        let weights = sets::taken(&namings, weights);
        Ok(Fitting::new(self.info.name, namings, weights, self.is_ignored)?)
    }

    /// What each naming calls the numbers of every kernel, in forward order.
    fn namings(&self) -> Vec<Vec<Source>> {
        let count = self.graph.kernels.iter().map(|kernel| kernel.sources.len()).min();
        let of = |naming: usize| {
            self.graph.kernels.iter().map(|kernel| kernel.sources[naming].clone()).collect()
        };
        (0..count.unwrap_or_default()).map(of).collect()
    }
}

/// The numbers of an operation, frozen.
#[derive(Clone, Debug)]
struct Frozen {
    /// `[outputs, inputs of each, kernel, kernel]`; of normalisation `[channels, 1, 1, 1]`; of
    /// tokens `[tokens, channels, 1, 1]`, those without a place first, then positions.
    weight: Tensor<4>,
    /// `[outputs]`
    bias: Tensor<1>,
}

impl Frozen {
    fn new(shape: [usize; 4], Fitted { weight, bias }: Fitted, device: &Device) -> Self {
        let outputs = bias.len();
        Self {
            weight: Tensor::from_data(TensorData::new(weight, shape), device),
            bias: Tensor::from_data(TensorData::new(bias, [outputs]), device),
        }
    }
}

/// A network that can be looked into.
#[derive(Debug)]
pub struct Network {
    info: ModelInfo,
    graph: Graph,
    /// One for each of the graph's kernels.
    weights: Vec<Frozen>,
}

impl Network {
    /// Names, sizes, preprocessing.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn node(&self, layer: LayerId) -> NodeId {
        self.graph.node(layer)
    }
}

#[cfg(test)]
mod tests;
