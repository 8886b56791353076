//! Which units a network has.

/// Rectified linear units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectifier {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)` (Krizhevsky 2010).
    Relu6,
}

impl Rectifier {
    /// What the units give at most.
    pub fn ceiling(self) -> f32 {
        match self {
            Self::Relu => f32::INFINITY,
            Self::Relu6 => 6.0,
        }
    }
}

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
