//! A readout is a derived layer: what is found in another layer, place by place.
//!
//! A set of directions, a dictionary, a probe: each sits on a layer and gives as many channels as
//! it has latents, at its parent's places. So whoever looks at layers looks at latents too, and
//! needs not know of what kind their readout is.
//!
//! A kind is one file below: its formula as a [`Readout`], and how its files become [`Readouts`].

pub mod dictionary;
pub mod directions;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::Tensor;

use crate::Result;
use crate::network::find_layer;
use crate::tap::{Caught, LayerId, LayerInfo};

/// What latents are in terms of a layer's channels.
pub trait Readout: Debug + Send + Sync {
    /// How many there are.
    fn latents(&self) -> usize;

    /// Their values, differentiable.
    ///
    /// # Shapes
    /// - `activation`: `[places, channels]`
    /// - returns: `[places, latents]`
    fn read(&self, activation: Tensor<2>) -> Tensor<2>;

    /// What latents amount to in the layer's channels, where there is a way back.
    ///
    /// # Shapes
    /// - `latents`: `[places, latents]`, or `[1, latents]` where they are the same everywhere
    /// - `activation`: `[places, channels]`, what they were read from: a readout that looks at each
    ///   place in its own units gives it back in these
    /// - returns: `[places, channels]`, one row where that is the same everywhere
    fn write(&self, _latents: Tensor<2>, _activation: Tensor<2>) -> Option<Tensor<2>> {
        None
    }
}

/// How much of a layer its latents explain, place by place.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Squared distance of what the latents amount to from what the layer gave,
    /// `[batch, 1, height, width]`.
    pub left: Tensor<4>,
    /// That of what silent latents amount to; of a dictionary its decoder's bias.
    pub whole: Tensor<4>,
}

/// The readouts that are known, by their layer's canonical name and their own.
pub type Readouts = BTreeMap<(String, String), Derived>;

/// A layer that a readout makes of another.
#[derive(Clone, Debug)]
pub struct Derived {
    /// What can be said of it; its name is its parent's, a slash and its own.
    pub info: LayerInfo,
    /// The layer that it is read from.
    pub parent: LayerId,
    /// Of the file that it came from, hexadecimal.
    pub sha256: String,
    readout: Arc<dyn Readout>,
}

impl Derived {
    /// The layer called `name` that a readout makes of its parent.
    pub fn new(
        (parent, info): (LayerId, &LayerInfo),
        name: &str,
        readout: impl Readout + 'static,
        sha256: &str,
    ) -> Self {
        let info = info.of_latents(name, readout.latents());
        Self { info, parent, sha256: sha256.to_owned(), readout: Arc::new(readout) }
    }

    /// What it gives where its parent gives this.
    pub fn of(&self, caught: Caught) -> Caught {
        let extra = caught.extra.map(|extra| {
            let [batch, channels, count] = extra.dims();
            let latents = self.at_places(extra.reshape([batch, channels, 1, count]));
            latents.reshape([batch, self.info.channels, count])
        });
        Caught { grid: self.at_places(caught.grid), extra }
    }

    /// # Shapes
    /// - `activation`: `[batch, channels, height, width]`
    /// - returns: `[batch, latents, height, width]`
    fn at_places(&self, activation: Tensor<4>) -> Tensor<4> {
        let [batch, _, height, width] = activation.dims();
        let latents = self.readout.read(by_place(activation)).transpose();
        latents.reshape([self.info.channels, batch, height, width]).swap_dims(0, 1)
    }

    /// How much of what its parent gives it explains; nothing where there is no way back.
    ///
    /// # Shapes
    /// - `activation`: `[batch, channels, height, width]`
    /// - `latents`: `[batch, latents, height, width]`, what [`Self::of`] makes of it
    pub fn explains(&self, activation: Tensor<4>, latents: Tensor<4>) -> Option<Explained> {
        let [batch, _, height, width] = activation.dims();
        let (activation, latents) = (by_place(activation), by_place(latents));
        let silent = latents.clone().narrow(0, 0, 1).zeros_like();
        let distance = |latents: Tensor<2>| {
            let made = self.readout.write(latents, activation.clone())?;
            let squares = (made - activation.clone()).square().sum_dim(1);
            Some(squares.reshape([batch, 1, height, width]))
        };
        Some(Explained { left: distance(latents)?, whole: distance(silent)? })
    }
}

/// # Shapes
/// - `grid`: `[batch, channels, height, width]`
/// - returns: `[places, channels]`
fn by_place(grid: Tensor<4>) -> Tensor<2> {
    let [batch, channels, height, width] = grid.dims();
    grid.swap_dims(0, 1).reshape([channels, batch * height * width]).transpose()
}

/// A layer that is looked at.
#[derive(Clone, Debug)]
pub enum Looked {
    /// One of the network's.
    AtLayer(LayerId, LayerInfo),
    /// One that is read out of one of those.
    AtLatents(Derived),
}

impl Looked {
    /// The layer of this canonical name or alias; `mixed4d/sae-8k` is read out of another.
    ///
    /// # Errors
    /// There is none, with the nearest of the network's.
    pub fn find(
        model: &str,
        layers: &[LayerInfo],
        readouts: &Readouts,
        name: &str,
    ) -> Result<Self> {
        let latents = || {
            let (parent, own) = name.rsplit_once('/')?;
            let LayerId(parent) = find_layer(model, layers, parent).ok()?;
            readouts.get(&(layers[parent].name.clone(), own.to_owned()))
        };
        match find_layer(model, layers, name) {
            Ok(id) => Ok(Self::AtLayer(id, layers[id.0].clone())),
            Err(unknown) => latents().map(|found| Self::AtLatents(found.clone())).ok_or(unknown),
        }
    }

    /// What can be said of it.
    pub fn info(&self) -> &LayerInfo {
        match self {
            Self::AtLayer(_, info) => info,
            Self::AtLatents(derived) => &derived.info,
        }
    }

    /// What the network has to catch for it.
    pub fn tap(&self) -> LayerId {
        match self {
            Self::AtLayer(id, _) => *id,
            Self::AtLatents(derived) => derived.parent,
        }
    }

    /// How much of what its parent gives it explains; nothing of a layer of the network's own. Shapes
    /// as of [`Derived::explains`].
    pub fn explains(&self, activation: Tensor<4>, latents: Tensor<4>) -> Option<Explained> {
        match self {
            Self::AtLayer(..) => None,
            Self::AtLatents(derived) => derived.explains(activation, latents),
        }
    }

    /// What it gives where the network has caught this for it.
    pub fn of(&self, caught: Caught) -> Caught {
        match self {
            Self::AtLayer(..) => caught,
            Self::AtLatents(derived) => derived.of(caught),
        }
    }
}

/// The readouts that something depends on, by name: SHA-256 of their files, hexadecimal.
pub type Recorded = BTreeMap<String, String>;
