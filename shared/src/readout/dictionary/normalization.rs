//! What is done to an example before a dictionary sees it, and undone afterwards.

use burn::tensor::Tensor;

/// How each example is normalized on its own; its reconstruction is brought back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalization {
    /// Not at all.
    #[default]
    None,
    /// Less its mean, in units of its standard deviation: OpenAI's sparse_autoencoder with TopK (Gao
    /// et al. 2024), and what SAELens calls `layer_norm`.
    Layer,
    /// So long as the root of the channels: SAELens's `constant_norm_rescale`.
    Length,
}

/// What brings an example back: `x * scale + shift`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The mean that was taken off.
    pub shift: f32,
    /// The size that it was measured in.
    pub scale: f32,
}

/// What a standard deviation grows by before it divides, as in both programs.
const EPSILON: f32 = 1e-5;

/// An example that has no length is divided by no less.
const LEAST: f32 = 1e-12;

impl Normalization {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::None, Self::Layer, Self::Length];

    /// Normalizes an example, `[channels]`, on the processor.
    pub fn apply(self, example: &mut [f32]) -> Frame {
        let channels = example.len() as f64;
        let squares = |example: &[f32]| -> f64 {
            example.iter().map(|value| f64::from(*value).powi(2)).sum()
        };
        match self {
            Self::None => Frame { shift: 0.0, scale: 1.0 },
            Self::Layer => {
                let sum: f64 = example.iter().map(|value| f64::from(*value)).sum();
                let shift = (sum / channels) as f32;
                example.iter_mut().for_each(|value| *value -= shift);
                // Of a sample, as torch.std has it.
                let scale = (squares(example) / (channels - 1.0).max(1.0)).sqrt() as f32;
                example.iter_mut().for_each(|value| *value /= scale + EPSILON);
                Frame { shift, scale }
            }
            Self::Length => {
                let scale = ((squares(example) / channels).sqrt() as f32).max(LEAST);
                example.iter_mut().for_each(|value| *value /= scale);
                Frame { shift: 0.0, scale }
            }
        }
    }

    /// The same of tensors, `[examples, channels]`, differentiable.
    pub fn on_device(self, examples: Tensor<2>) -> Tensor<2> {
        let [_, channels] = examples.dims();
        // Never zero, where a root has no slope.
        let root = |squares: Tensor<2>| squares.add_scalar(LEAST).sqrt();
        match self {
            Self::None => examples,
            Self::Layer => {
                let centred = examples.clone() - examples.mean_dim(1);
                let squares = centred.clone().square().sum_dim(1);
                let freedom = channels.saturating_sub(1).max(1) as f32;
                centred / root(squares.div_scalar(freedom)).add_scalar(EPSILON)
            }
            Self::Length => {
                let squares = examples.clone().square().mean_dim(1);
                examples / root(squares)
            }
        }
    }

    /// Brings back what a dictionary makes of examples that were normalized.
    ///
    /// # Shapes
    /// - `made`: `[examples, channels]`
    /// - `examples`: as these, before they were normalized
    pub fn undone(self, made: Tensor<2>, examples: Tensor<2>) -> Tensor<2> {
        let [_, channels] = examples.dims();
        match self {
            Self::None => made,
            Self::Layer => {
                let mean = examples.clone().mean_dim(1);
                let freedom = channels.saturating_sub(1).max(1) as f32;
                let squares = (examples - mean.clone()).square().sum_dim(1);
                made * squares.div_scalar(freedom).sqrt() + mean
            }
            Self::Length => made * examples.square().mean_dim(1).sqrt(),
        }
    }
}
