//! What a visualization is made with, apart from its objective and seed.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How a picture is described to the optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parameterization {
    /// Every pixel for itself.
    Pixel,
    /// Fourier coefficients scaled by 1/f (Olah et al. 2017).
    #[default]
    Fourier,
    /// Phases only, under the average magnitudes of photographs (Fel et al. 2023).
    Maco,
    /// A sum of grids from coarse to fine (Fort and Whitaker 2025).
    Pyramid,
}

impl Parameterization {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Pixel, Self::Fourier, Self::Maco, Self::Pyramid];

    /// As typed: `pixel`, `fourier`, `maco`, `pyramid`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pixel => "pixel",
            Self::Fourier => "fourier",
            Self::Maco => "maco",
            Self::Pyramid => "pyramid",
        }
    }
}

impl std::str::FromStr for Parameterization {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name).ok_or_else(|| Error::Setting {
            name: "parameterization",
            found: name.to_owned(),
            expected: "pixel, fourier, maco or pyramid".to_owned(),
        })
    }
}

/// Which random movements a picture makes before each look, in Lucid's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Transforms {
    /// A grey border of 12 pixels, so that edges are not special.
    pub pad: bool,
    /// Up to 8 pixels sideways and up and down, then up to 4 more after rotating; where there is
    /// a margin or a zoom, a window anywhere on the canvas.
    pub jitter: bool,
    /// 0.9 to 1.1 times the size, in 11 steps.
    pub scale: bool,
    /// Up to 10 degrees either way, in whole degrees; upright a little more often.
    pub rotate: bool,
}

impl Transforms {
    /// None: the network sees the picture itself.
    pub const NONE: Self = Self { pad: false, jitter: false, scale: false, rotate: false };
    /// All, as in Lucid.
    pub const STANDARD: Self = Self { pad: true, jitter: true, scale: true, rotate: true };
    /// Each as it is typed.
    pub const NAMES: [&'static str; 4] = ["pad", "jitter", "scale", "rotate"];

    /// Whether the one of this name happens.
    pub fn has(mut self, name: &str) -> bool {
        self.of(name).is_some_and(|on| *on)
    }

    /// The same with the one of this name switched on or off.
    pub fn with(mut self, name: &str, on: bool) -> Self {
        if let Some(switch) = self.of(name) {
            *switch = on;
        }
        self
    }

    fn of(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            "pad" => Some(&mut self.pad),
            "jitter" => Some(&mut self.jitter),
            "scale" => Some(&mut self.scale),
            "rotate" => Some(&mut self.rotate),
            _ => None,
        }
    }
}

impl Default for Transforms {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl std::fmt::Display for Transforms {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::NONE => formatter.write_str("none"),
            Self::STANDARD => formatter.write_str("standard"),
            some => {
                let chosen: Vec<_> =
                    Self::NAMES.into_iter().filter(|name| some.has(name)).collect();
                formatter.write_str(&chosen.join("+"))
            }
        }
    }
}

impl std::str::FromStr for Transforms {
    type Err = Error;

    /// `none`, `standard`, or some of `pad`, `jitter`, `scale`, `rotate` joined by `+`, which arrives
    /// as a space where a query does not escape it.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => return Ok(Self::NONE),
            "standard" => return Ok(Self::STANDARD),
            _ => {}
        }
        let wrong = || Error::Setting {
            name: "transforms",
            found: text.to_owned(),
            expected: "none, standard, or some of pad, jitter, scale, rotate joined by +"
                .to_owned(),
        };
        let mut names = text.split(['+', ' ']).filter(|name| !name.is_empty());
        let chosen = names.try_fold(Self::NONE, |chosen, name| {
            Self::NAMES.contains(&name).then(|| chosen.with(name, true)).ok_or_else(wrong)
        })?;
        if chosen == Self::NONE { Err(wrong()) } else { Ok(chosen) }
    }
}

/// What a visualization is made with. The defaults are Lucid's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Pixels across, 16 to 2048.
    pub width: usize,
    /// Pixels down, 16 to 2048.
    pub height: usize,
    /// Pictures climbed together, 1 to 64. Each starts from its own noise.
    pub batch: usize,
    /// Adam's step size.
    pub learning_rate: f64,
    /// How the picture is described.
    pub parameterization: Parameterization,
    /// Whether colour channels are first made independent, as they are in photographs.
    pub decorrelate: bool,
    /// Random movements before each look.
    pub transforms: Transforms,
    /// For this many first steps, units that are off still receive a gradient.
    pub redirected_steps: usize,
    /// How much quieter a pyramid's fine grids are: one of r places is `(4 / r)^decay` times as
    /// loud as the coarsest. 0 to 4.
    pub decay: f64,
    /// Pixels that are painted around the picture, seen by the network as it moves, and cut off at
    /// the end. 0 to 256.
    pub margin: usize,
    /// How far each look is enlarged or, as far as there is canvas, made smaller: a factor from
    /// 1 / zoom to zoom, evenly on a logarithmic scale. 1 to 4.
    pub zoom: f64,
    /// Looks a step, each with a movement and noise of its own; the step goes where they point
    /// together. 1 to 64.
    pub views: usize,
    /// Standard deviation of the noise on what the network sees, of colours in 0..=1. 0 to 2.
    pub noise: f64,
    /// How far each look's network is from the network: where its paths join, each counts by a
    /// factor from 1 - erosion to 1 + erosion ([`crate::network::Erosion`]). 0 to 1.
    pub erosion: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            width: 128,
            height: 128,
            batch: 1,
            learning_rate: 0.05,
            parameterization: Parameterization::default(),
            decorrelate: true,
            transforms: Transforms::default(),
            redirected_steps: 16,
            decay: 1.0,
            margin: 0,
            zoom: 1.0,
            views: 1,
            noise: 0.0,
            erosion: 0.0,
        }
    }
}

impl Settings {
    /// A square of this side, everything else as by default.
    pub fn square(side: usize) -> Self {
        Self { width: side, height: side, ..Self::default() }
    }

    /// Rows and columns of what is painted: the picture and its margin.
    pub fn canvas(&self) -> [usize; 2] {
        [self.height, self.width].map(|side| side + 2 * self.margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_print_what_they_parse() {
        for text in ["none", "standard", "pad", "jitter+rotate", "pad+scale+rotate"] {
            assert_eq!(text.parse::<Transforms>().unwrap().to_string(), text);
        }
    }
}
