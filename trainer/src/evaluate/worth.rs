//! What dictionaries and their latents are worth, in numbers.

use serde::{Deserialize, Serialize};

use super::recovered::Recovered;
use super::truth::{Found, Truths};

/// A latent that fires more often than this is dense.
pub const DENSE: f64 = 0.1;

/// One that fires, but less often than this, is of the ultra-low-frequency cluster (Bricken et al.
/// 2023).
pub const RARE: f64 = 1e-5;

/// What a dictionary is worth. A stable interface: scripts read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Squared error over the squared distance from the mean of all activations, both summed
    /// (saev): 0 is perfect, 1 no better than the mean.
    pub normalized_mse: f64,
    /// One less that.
    pub explained_variance: f64,
    /// Of an activation and its reconstruction, in the mean.
    pub cosine: f64,
    /// Latents of an activation, in the mean.
    pub l0: f64,
    /// Part of the latents that fire on no activation.
    pub dead_share: f64,
    /// Part of them that fire on more than a tenth.
    pub dense_share: f64,
    /// Part of them that fire on less than one in 100,000.
    pub rare_share: f64,
    /// How much of what a network without the layer loses, the reconstruction brings back: 1 is as
    /// good as the layer, 0 as bad as zeros in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_recovered: Option<f64>,
    /// The same of the part of pictures that the network classifies right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_recovered: Option<f64>,
    /// What these two are about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Recovered>,
    /// Mean cosine of a latent's decoder row with its partner's in the dictionary of another seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Mean of the latents that fire, as those below: [`Latent::purity`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purity: Option<f64>,
    /// [`Latent::coherence`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coherence: Option<f64>,
    /// [`Latent::monosemanticity`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monosemanticity: Option<f64>,
    /// What it finds of the features, where these are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<Truths>,
    /// Normalized MSE of as many principal components as an activation has latents.
    pub pca_normalized_mse: f64,
    /// The same of the nearest of as many centroids as there are latents: one for each activation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k_means_normalized_mse: Option<f64>,
    /// What all this is about.
    pub activations: u64,
    /// Of so many pictures.
    pub pictures: u64,
    /// SHA-256 of the store's description, hexadecimal.
    pub store_sha256: String,
}

/// What a latent is worth. A stable interface: scripts read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latent {
    /// Which.
    pub latent: usize,
    /// On which part of the activations it fires.
    pub frequency: f64,
    /// Its mean where it fires.
    pub mean: f64,
    /// The largest.
    pub max: f32,
    /// The largest part of its top pictures that have one label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purity: Option<f64>,
    /// That label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The part of the four places around one where it fires, where it fires too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coherence: Option<f64>,
    /// How alike the pictures that excite it are, by an independent network: the mean cosine of pairs
    /// of their embeddings, weighed with the product of its values (Pach et al. 2025).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monosemanticity: Option<f64>,
    /// Cosine of its decoder row with its partner's in the dictionary of another seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// That partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<usize>,
    /// Which feature it is, where these are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<Found>,
    /// The latents whose decoder rows are most alike, best first.
    pub nearest: Vec<usize>,
    /// Numbers of the pictures that excite it most, best first.
    pub top: Vec<u64>,
}
