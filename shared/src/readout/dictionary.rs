//! Dictionaries: activations as sparse sums of directions, found by sparse autoencoders.
//!
//! An example `x`, `[channels]`, is encoded into latents and decoded again:
//! ```text
//! pre = encoder (x - decoder bias) + encoder bias        [latents]
//! z = the activation of pre: few of them, none negative
//! reconstruction = sum of z_i times the decoder's row i + decoder bias
//! ```
//! [`Config`] says which activation, and what training makes small; [`gradient`] and [`loss`] are
//! the same formulas for the processor and for any device.

pub mod archetypes;
pub mod codes;
pub mod config;
mod dense;
pub mod encode;
pub mod explain;
pub mod gradient;
pub mod inference;
pub mod k_means;
pub mod loss;
pub mod normalization;
pub mod on_devices;
pub mod optimizer;
pub mod parameters;
pub mod precision;
pub mod pursuit;
mod resample;
pub mod rows;
mod top;
pub mod training;

#[cfg(test)]
mod tests;

pub use config::{Activation, Config, Revival};
pub use inference::Dictionary;
pub use normalization::Normalization;
pub use parameters::Parameters;
pub use pursuit::Pursuit;
