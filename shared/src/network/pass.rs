//! Where a pass through a network starts, what it catches and what it changes on the way.

use burn::tensor::{Tensor, TensorData};

use crate::network::erosion::Erosion;
use crate::network::info::ModelInfo;
use crate::ops::ReluGradient;
use crate::tap::{Activations, LayerId};
use crate::{Error, Result};

/// Where a pass starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// From preprocessed pictures, `[batch, 3, height, width]`.
    Picture(Tensor<4>),
    /// From what a layer gave, `[batch, channels, height, width]`. It must alone carry what comes
    /// behind it.
    After(LayerId, Tensor<4>),
}

/// What a pass catches, and how it is made; by default exactly.
#[derive(Clone, Debug, Default)]
pub struct Pass<'a> {
    /// Layers whose output is wanted.
    pub taps: &'a [LayerId],
    /// Changes, in the order they are made; what is caught of a layer is what they leave.
    pub edits: &'a [Edit],
    /// What ReLUs do to the gradient.
    pub relu: ReluGradient,
    /// How much the network's paths count.
    pub erosion: Erosion,
}

impl<'a> Pass<'a> {
    /// An exact pass that catches these layers.
    pub fn to(taps: &'a [LayerId]) -> Self {
        Self { taps, ..Self::default() }
    }
}

/// A change of a layer's output on its way on.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The layer.
    pub layer: LayerId,
    /// What is done at a place.
    pub change: Change,
    /// Where it is done.
    pub places: Places,
}

/// What an edit does to the channels at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds these values, `[channels]`.
    Add(Vec<f32>),
    /// Takes away what points along this direction, `[channels]`, of any length but 0:
    /// `x - (x . d) d / |d|^2`.
    Remove(Vec<f32>),
    /// Gives a channel a value.
    Set {
        /// The channel.
        channel: usize,
        /// Its value.
        value: f32,
    },
}

/// Where an edit is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Places {
    /// At every place.
    All,
    /// At these places: row, column.
    At(Vec<[usize; 2]>),
    /// At every place, this much of it: `[rows, columns]` of the layer, 0 leaves a place as it is.
    Mask(Vec<f32>),
}

impl Edit {
    /// # Errors
    /// Channels or places that the layer does not have.
    pub(super) fn apply(&self, value: Tensor<4>, info: &ModelInfo) -> Result<Tensor<4>> {
        let layer = info.at(self.layer);
        let [_, channels, rows, columns] = value.dims();
        let per_channel = |values: &[f32]| -> Result<Tensor<4>> {
            if values.len() != channels || values.iter().any(|value| !value.is_finite()) {
                return Err(Error::Setting {
                    name: "an edit's direction",
                    found: format!("{} values", values.len()),
                    expected: format!("{channels} finite ones for {}", layer.name),
                });
            }
            let data = TensorData::new(values.to_vec(), [1, channels, 1, 1]);
            Ok(Tensor::from_data(data, &value.device().inner()))
        };
        let out_of_range = |what, index, count| {
            Err(Error::OutOfRange { layer: layer.name.clone(), what, index, count })
        };
        let changed = match &self.change {
            Change::Add(values) => value.clone() + per_channel(values)?,
            Change::Remove(direction) => {
                let square: f32 = direction.iter().map(|value| value * value).sum();
                if square == 0.0 {
                    return Err(Error::Setting {
                        name: "an edit's direction",
                        found: "0 in every channel".to_owned(),
                        expected: "a direction".to_owned(),
                    });
                }
                let direction = per_channel(direction)?;
                let along = (value.clone() * direction.clone()).sum_dim(1) / square;
                value.clone() - along * direction
            }
            Change::Set { channel, value: set } => {
                if channels <= *channel {
                    return out_of_range("channels", *channel, channels);
                }
                let mut keep = vec![1.0; channels];
                let mut put = vec![0.0; channels];
                (keep[*channel], put[*channel]) = (0.0, *set);
                value.clone() * per_channel(&keep)? + per_channel(&put)?
            }
        };
        let mask = match &self.places {
            Places::All => return Ok(changed),
            Places::At(places) => {
                let mut mask = vec![0.0; rows * columns];
                for &[row, column] in places {
                    if rows <= row {
                        return out_of_range("rows", row, rows);
                    }
                    if columns <= column {
                        return out_of_range("columns", column, columns);
                    }
                    mask[row * columns + column] = 1.0;
                }
                mask
            }
            Places::Mask(mask) if mask.len() == rows * columns => mask.clone(),
            Places::Mask(mask) => {
                return Err(Error::Setting {
                    name: "an edit's mask",
                    found: format!("{} places", mask.len()),
                    expected: format!("{rows} rows of {columns} for {}", layer.name),
                });
            }
        };
        let mask = TensorData::new(mask, [1, 1, rows, columns]);
        let mask: Tensor<4> = Tensor::from_data(mask, &value.device().inner());
        Ok(value.clone() + (changed - value) * mask)
    }
}

/// The way back from caught layers to a pass's start.
#[derive(Debug)]
pub struct Pullback {
    start: Tensor<4>,
    caught: Activations,
}

impl Pullback {
    pub(super) fn new(start: Tensor<4>, caught: Activations) -> Self {
        Self { start, caught }
    }

    /// The gradient at the start of whatever has these gradients at the caught layers; nothing
    /// where none of them depends on it.
    ///
    /// # Shapes
    /// - `gradients`: those of the caught layers, all or some
    /// - returns: the start's
    pub fn pull(self, gradients: Activations) -> Option<Tensor<4>> {
        let along = gradients.0.into_iter().filter_map(|(layer, gradient)| {
            let caught = self.caught.get(layer)?;
            Some((caught * Tensor::from_inner(gradient)).sum())
        });
        let mut gradients = along.reduce(|one, other| one + other)?.backward();
        self.start.grad_remove(&mut gradients)
    }
}
