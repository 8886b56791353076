//! Where a pass through a network starts, what it catches and what it changes on the way.

use burn::tensor::{Tensor, TensorData};

use crate::network::erosion::Erosion;
use crate::network::info::ModelInfo;
use crate::ops::ReluGradient;
use crate::tap::{Activations, Caught, LayerId, LayerInfo};
use crate::{Error, Result};

/// Where a pass starts.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a pass has one, and gives it away at once")]
pub enum Start {
    /// From preprocessed pictures, `[batch, 3, height, width]`.
    Picture(Tensor<4>),
    /// From what a layer gave. It must alone carry what comes behind it.
    After(LayerId, Caught),
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
    /// At every place, and at every token that has none.
    All,
    /// At these places: row, column.
    At(Vec<[usize; 2]>),
    /// At every place, this much of it: `[rows, columns]` of the layer, 0 leaves a place as it is.
    Mask(Vec<f32>),
}

impl Edit {
    /// # Errors
    /// Channels or places that the layer does not have.
    pub(super) fn apply(&self, caught: Caught, info: &ModelInfo) -> Result<Caught> {
        let layer = info.at(self.layer);
        let Caught { grid, extra } = caught;
        let changed = self.change.of(grid.clone(), layer)?;
        let Some(mask) = self.places.mask(&grid, layer)? else {
            let extra = extra.map(|extra| -> Result<_> {
                let [batch, channels, count] = extra.dims();
                let changed = self.change.of(extra.reshape([batch, channels, 1, count]), layer)?;
                Ok(changed.reshape([batch, channels, count]))
            });
            return Ok(Caught { grid: changed, extra: extra.transpose()? });
        };
        Ok(Caught { grid: grid.clone() + (changed - grid) * mask, extra })
    }
}

impl Change {
    /// The change made at every place.
    ///
    /// # Shapes
    /// - `value`, returns: `[batch, channels, rows, columns]`
    fn of(&self, value: Tensor<4>, layer: &LayerInfo) -> Result<Tensor<4>> {
        let channels = value.dims()[1];
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
        Ok(match self {
            Self::Add(values) => value.clone() + per_channel(values)?,
            Self::Remove(direction) => {
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
            Self::Set { channel, value: set } => {
                if channels <= *channel {
                    return out_of_range(layer, "channels", *channel, channels);
                }
                let mut keep = vec![1.0; channels];
                let mut put = vec![0.0; channels];
                (keep[*channel], put[*channel]) = (0.0, *set);
                value.clone() * per_channel(&keep)? + per_channel(&put)?
            }
        })
    }
}

impl Places {
    /// How much a change counts at each place; nothing where it does everywhere.
    ///
    /// # Shapes
    /// - returns: `[1, 1, rows, columns]`
    fn mask(&self, value: &Tensor<4>, layer: &LayerInfo) -> Result<Option<Tensor<4>>> {
        let [_, _, rows, columns] = value.dims();
        let mask = match self {
            Self::All => return Ok(None),
            Self::At(places) => {
                let mut mask = vec![0.0; rows * columns];
                for &[row, column] in places {
                    if rows <= row {
                        return out_of_range(layer, "rows", row, rows);
                    }
                    if columns <= column {
                        return out_of_range(layer, "columns", column, columns);
                    }
                    mask[row * columns + column] = 1.0;
                }
                mask
            }
            Self::Mask(mask) if mask.len() == rows * columns => mask.clone(),
            Self::Mask(mask) => {
                return Err(Error::Setting {
                    name: "an edit's mask",
                    found: format!("{} places", mask.len()),
                    expected: format!("{rows} rows of {columns} for {}", layer.name),
                });
            }
        };
        let mask = TensorData::new(mask, [1, 1, rows, columns]);
        Ok(Some(Tensor::from_data(mask, &value.device().inner())))
    }
}

fn out_of_range<T>(layer: &LayerInfo, what: &'static str, index: usize, count: usize) -> Result<T> {
    Err(Error::OutOfRange { layer: layer.name.clone(), what, index, count })
}

/// The way back from caught layers to a pass's start.
#[derive(Debug)]
pub struct Pullback {
    start: Caught,
    caught: Activations,
}

impl Pullback {
    pub(super) fn new(start: Caught, caught: Activations) -> Self {
        Self { start, caught }
    }

    /// The gradient at the start of whatever has these gradients at the caught layers, those of all
    /// or some; nothing where none of them depends on it.
    pub fn pull(self, gradients: Activations) -> Option<Caught> {
        let along = gradients.0.into_iter().filter_map(|(layer, gradient)| {
            let Caught { grid, extra } = gradient;
            let gradient =
                Caught { grid: Tensor::from_inner(grid), extra: extra.map(Tensor::from_inner) };
            Some(self.caught.get(layer)?.clone().dot(gradient))
        });
        let mut gradients = along.reduce(|one, other| one + other)?.backward();
        self.start.gradient(&mut gradients)
    }
}
