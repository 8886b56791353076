//! Operations on tokens in terms of the tensor library's own.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, Slice};

use super::super::units::{Gelu, QUICK};

/// What normalisation makes of its input before it is scaled and shifted.
struct Normalised<B: Backend> {
    /// Mean 0, variance 1.
    values: FloatTensor<B>,
    /// By what each token was divided, inverted.
    inverse: FloatTensor<B>,
}

fn normalised<B: Backend>(input: FloatTensor<B>, epsilon: f32) -> Normalised<B> {
    let mean = B::float_mean_dim(input.clone(), 1);
    let centred = B::float_sub(input, mean);
    let variance = B::float_mean_dim(B::float_mul(centred.clone(), centred.clone()), 1);
    let deviation = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    let inverse = B::float_recip(deviation);
    Normalised { values: B::float_mul(centred, inverse.clone()), inverse }
}

fn per_channel<B: Backend>(values: FloatTensor<B>) -> FloatTensor<B> {
    let channels = values.shape()[0];
    B::float_reshape(values, Shape::new([1, channels, 1, 1]))
}

pub fn layer_norm<B: Backend>(
    input: FloatTensor<B>,
    scale: FloatTensor<B>,
    shift: FloatTensor<B>,
    epsilon: f32,
) -> FloatTensor<B> {
    let Normalised { values, .. } = normalised::<B>(input, epsilon);
    B::float_add(B::float_mul(values, per_channel::<B>(scale)), per_channel::<B>(shift))
}

pub fn layer_norm_backward<B: Backend>(
    input: FloatTensor<B>,
    scale: FloatTensor<B>,
    gradient: FloatTensor<B>,
    epsilon: f32,
) -> FloatTensor<B> {
    let Normalised { values, inverse } = normalised::<B>(input, epsilon);
    let gradient = B::float_mul(gradient, per_channel::<B>(scale));
    let mean = B::float_mean_dim(gradient.clone(), 1);
    let along = B::float_mean_dim(B::float_mul(gradient.clone(), values.clone()), 1);
    let rest = B::float_sub(B::float_sub(gradient, mean), B::float_mul(values, along));
    B::float_mul(rest, inverse)
}

pub fn gelu<B: Backend>(input: FloatTensor<B>, kind: Gelu) -> FloatTensor<B> {
    match kind {
        Gelu::Exact => B::gelu(input),
        Gelu::Quick => {
            let share = B::sigmoid(B::float_mul_scalar(input.clone(), QUICK.into()));
            B::float_mul(input, share)
        }
    }
}

pub fn gelu_backward<B: Backend>(
    input: FloatTensor<B>,
    gradient: FloatTensor<B>,
    kind: Gelu,
) -> FloatTensor<B> {
    match kind {
        // The library's own is an approximation with a hyperbolic tangent, of which shaders make no
        // number where it is large.
        Gelu::Exact => {
            let erf = B::float_erf(B::float_mul_scalar(input.clone(), FRAC_1_SQRT_2.into()));
            let normal = B::float_add_scalar(B::float_mul_scalar(erf, 0.5.into()), 0.5.into());
            let square = B::float_mul(input.clone(), input.clone());
            let bell = B::float_exp(B::float_mul_scalar(square, (-0.5).into()));
            let bell = B::float_mul_scalar(bell, (FRAC_1_SQRT_2 * FRAC_2_SQRT_PI / 2.0).into());
            B::float_mul(gradient, B::float_add(normal, B::float_mul(input, bell)))
        }
        Gelu::Quick => {
            // share + 1.702 x share (1 - share)
            let share = B::sigmoid(B::float_mul_scalar(input.clone(), QUICK.into()));
            let rest = B::float_sub(share.clone(), B::float_mul(share.clone(), share.clone()));
            let rest = B::float_mul(B::float_mul_scalar(input, QUICK.into()), rest);
            B::float_mul(gradient, B::float_add(share, rest))
        }
    }
}

/// Queries, keys and values by head, `[batch, heads, channels of a head, tokens]`.
fn parts<B: Backend>(input: &FloatTensor<B>, heads: usize) -> [FloatTensor<B>; 3] {
    let shape = input.shape();
    let (batch, channels, tokens) = (shape[0], shape[1] / 3, shape[3]);
    [0, 1, 2].map(|part| {
        let rows = part * channels..(part + 1) * channels;
        let slices = [0..batch, rows, 0..1, 0..tokens].map(Slice::from);
        let part = B::float_slice(input.clone(), &slices);
        B::float_reshape(part, Shape::new([batch, heads, channels / heads, tokens]))
    })
}

fn turned<B: Backend>(matrix: FloatTensor<B>) -> FloatTensor<B> {
    B::float_swap_dims(matrix, 2, 3)
}

/// How a device multiplies matrices.
type Product<B> = fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>;

/// How much each token attends to each other, `[batch, heads, tokens, tokens]`.
fn weights<B: Backend>(
    queries: FloatTensor<B>,
    keys: FloatTensor<B>,
    product: Product<B>,
) -> FloatTensor<B> {
    let scale = (queries.shape()[2] as f32).sqrt().recip();
    let scores = product(turned::<B>(queries), keys);
    B::softmax(B::float_mul_scalar(scores, scale.into()), 3)
}

pub fn attention<B: Backend>(
    input: FloatTensor<B>,
    heads: usize,
    product: Product<B>,
) -> FloatTensor<B> {
    let shape = input.shape();
    let [queries, keys, values] = parts::<B>(&input, heads);
    let weights = weights::<B>(queries, keys, product);
    let output = product(values, turned::<B>(weights));
    B::float_reshape(output, Shape::new([shape[0], shape[1] / 3, 1, shape[3]]))
}

pub fn attention_backward<B: Backend>(
    input: FloatTensor<B>,
    gradient: FloatTensor<B>,
    heads: usize,
    product: Product<B>,
) -> FloatTensor<B> {
    let shape = input.shape();
    let (batch, channels, tokens) = (shape[0], shape[1] / 3, shape[3]);
    let [queries, keys, values] = parts::<B>(&input, heads);
    let scale = ((channels / heads) as f32).sqrt().recip();
    let gradient = B::float_reshape(gradient, Shape::new([batch, heads, channels / heads, tokens]));

    let weights = weights::<B>(queries.clone(), keys.clone(), product);
    let of_weights = product(turned::<B>(gradient.clone()), values);
    let of_values = product(gradient, weights.clone());
    // Through the softmax: weights * (gradient - its weighted mean).
    let mean = B::float_sum_dim(B::float_mul(weights.clone(), of_weights.clone()), 3);
    let of_scores = B::float_mul(weights, B::float_sub(of_weights, mean));
    let of_scores = B::float_mul_scalar(of_scores, scale.into());
    let of_queries = product(keys, turned::<B>(of_scores.clone()));
    let of_keys = product(queries, of_scores);
    let parts = [of_queries, of_keys, of_values]
        .map(|part| B::float_reshape(part, Shape::new([batch, channels, 1, tokens])));
    B::float_cat(parts.to_vec(), 1)
}
