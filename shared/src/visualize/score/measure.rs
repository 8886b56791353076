//! The formulas behind an objective's terms: one value for each picture of a batch.

use burn::tensor::Tensor;

use crate::ops::product;
use crate::readout::directions::weighed_by_cosine;
use crate::tap::Caught;

/// Least squared length by which a Gram matrix is divided (Lucid).
const GRAM_EPSILON: f64 = 1e-10;

/// Added under the root of the distance from grey (Lucid's `L2`).
const L2_EPSILON: f64 = 1e-6;

/// The value that `l2` calls grey.
const GREY: f64 = 0.5;

/// A measure of a layer's activation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OfActivation {
    /// Mean over space of a channel (Lucid's `channel`; for logits, `class_logit`).
    Channel(usize),
    /// A channel at one place (Lucid's `neuron`).
    ///
    /// At row and column, or the middle.
    Place { channel: usize, at: Option<[usize; 2]> },
    /// A channel at one of the tokens without a place.
    Token { channel: usize, token: usize },
    /// A measure of channel 0 of a layer that has only that one: this channel, as a direction among
    /// the layer's.
    Only { channel: usize, of: Box<OfActivation> },
    /// Mean of squares (Lucid's `deepdream`; Mordvintsev et al. 2015).
    Squares,
    /// Lucid's `diversity`.
    Similar,
}

/// A measure of the picture itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfPicture {
    /// Lucid's `total_variation`.
    TotalVariation,
    /// Lucid's `L2` with `constant=0.5`.
    L2,
}

/// A place that its layer does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outside {
    pub(super) layer: String,
    pub(super) what: &'static str,
    pub(super) index: usize,
    pub(super) count: usize,
}

impl OfActivation {
    /// One value a picture.
    ///
    /// # Shapes
    /// - `caught`: of the layer called `layer`
    /// - returns: `[batch]`
    pub(super) fn per_picture(&self, caught: Caught, layer: &str) -> Result<Tensor<1>, Outside> {
        let Caught { grid: activation, extra } = caught;
        match self {
            Self::Channel(channel) => Ok(mean(activation.narrow(1, *channel, 1))),
            Self::Place { channel, at } => {
                let [row, column] = position(*at, &activation, layer)?;
                Ok(mean(activation.narrow(1, *channel, 1).narrow(2, row, 1).narrow(3, column, 1)))
            }
            Self::Token { channel, token } => {
                let count = extra.as_ref().map_or(0, |extra| extra.dims()[2]);
                match extra {
                    Some(extra) if *token < count => {
                        let value = extra.narrow(1, *channel, 1).narrow(2, *token, 1);
                        Ok(value.reshape([-1]))
                    }
                    _ => Err(Outside {
                        layer: layer.to_owned(),
                        what: "tokens without a place",
                        index: *token,
                        count,
                    }),
                }
            }
            Self::Only { channel, of } => {
                let grid = only(activation, *channel);
                let extra = extra.map(|extra| only(extra, *channel));
                of.per_picture(Caught { grid, extra }, layer)
            }
            Self::Squares => Ok(mean(activation.square())),
            Self::Similar => Ok(similarity(activation)),
        }
    }
}

impl OfPicture {
    /// One value a picture.
    ///
    /// # Shapes
    /// - `picture`: `[batch, 3, height, width]`, RGB in 0..=1
    /// - returns: `[batch]`
    pub(super) fn per_picture(self, picture: Tensor<4>) -> Tensor<1> {
        match self {
            Self::TotalVariation => total_variation(picture),
            Self::L2 => (sum((picture - GREY).square()) + L2_EPSILON).sqrt(),
        }
    }
}

/// A channel at each place, times how much of what is there it is: its cosine with the direction
/// along which only it has a value, as of any other direction. Whatever else is there lessens it.
fn only<const D: usize>(activation: Tensor<D>, channel: usize) -> Tensor<D> {
    let squares = activation.clone().square().sum_dim(1);
    weighed_by_cosine(activation.narrow(1, channel, 1), squares, 1.0)
}

/// Row and column, once the layer's size is known.
fn position(
    at: Option<[usize; 2]>,
    activation: &Tensor<4>,
    layer: &str,
) -> Result<[usize; 2], Outside> {
    let [_, _, height, width] = activation.dims();
    let [row, column] = at.unwrap_or([height / 2, width / 2]);
    let check = |what, index, count| {
        if index < count {
            Ok(())
        } else {
            Err(Outside { layer: layer.to_owned(), what, index, count })
        }
    };
    check("rows", row, height)?;
    check("columns", column, width)?;
    Ok([row, column])
}

/// For each picture the sum of its cosine similarities with all others, as a layer sees their style.
///
/// Style is the Gram matrix of the layer's channels, `G = A^T A` with `A` of places by channels,
/// normalised as one long vector (Lucid, `diversity`; Olah et al. 2017). Its mean over the batch is
/// Lucid's value: 0 for a batch of one, `batch - 1` for equal pictures. To be subtracted,
/// `- 1e2*similar(mixed4a)`, where pictures should come out different.
fn similarity(activation: Tensor<4>) -> Tensor<1> {
    let [batch, channels, height, width] = activation.dims();
    let device = activation.device().inner();
    let by_channel = activation.reshape([batch, channels, height * width]);
    let gram =
        product(by_channel.clone(), by_channel.transpose()).reshape([batch, channels * channels]);
    let length = gram.clone().square().sum_dim(1).clamp_min(GRAM_EPSILON).sqrt();
    let style = gram / length;
    let others = Tensor::<2>::ones([batch, batch], &device) - Tensor::eye(batch, &device);
    (product(style.clone(), style.transpose()) * others).sum_dim(1).reshape([batch])
}

/// Sum over colours of the absolute differences between neighbours down and across: anisotropic and
/// not divided by the number of pixels, as `tf.image.total_variation`, so that published weights fit.
fn total_variation(picture: Tensor<4>) -> Tensor<1> {
    let [batch, ..] = picture.dims();
    let silent = Tensor::zeros([batch], &picture.device().inner());
    [2, 3].into_iter().filter(|&axis| 1 < picture.dims()[axis]).fold(silent, |total, axis| {
        let pairs = picture.dims()[axis] - 1;
        let differences =
            picture.clone().narrow(axis, 1, pairs) - picture.clone().narrow(axis, 0, pairs);
        total + sum(differences.abs())
    })
}

/// Over everything but the batch.
fn mean(tensor: Tensor<4>) -> Tensor<1> {
    let [batch, ..] = tensor.dims();
    tensor.mean_dim(3).mean_dim(2).mean_dim(1).reshape([batch])
}

/// Over everything but the batch. Axis by axis: a GPU gives every sum to one thread.
fn sum(tensor: Tensor<4>) -> Tensor<1> {
    let [batch, ..] = tensor.dims();
    tensor.sum_dim(3).sum_dim(2).sum_dim(1).reshape([batch])
}

#[cfg(test)]
mod tests;
