//! Which units a perceptron has.

/// Gaussian error linear units (Hendrycks and Gimpel 2016, arXiv:1606.08415).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gelu {
    /// `x * Phi(x)`, with the normal distribution's `Phi`.
    Exact,
    /// `x * sigmoid(1.702 * x)`, as in OpenAI's CLIP.
    Quick,
}

/// Factor of the sigmoid's argument in [`Gelu::Quick`].
pub const QUICK: f32 = 1.702;
