//! Named ways of making dreams.

use crate::tap::{Grid, LayerInfo};
use crate::visualize::making::Making;
use crate::visualize::objective::Objective;
use crate::visualize::settings::{Parameterization, Settings, Transforms};
use crate::{Error, Result};

/// A way of making dreams that suits some of what is dreamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// A pyramid seen in several noisy views, near and far: things in natural colours. For classes.
    Object,
    /// The same with louder fine grids: things in their surroundings. For a transformer's classes.
    Scene,
    /// A pyramid with loud fine grids: patterns that fill the picture. For units.
    Texture,
    /// Lucid's defaults, to compare with the literature.
    Classic,
}

impl Preset {
    /// All of them, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Object, Self::Scene, Self::Texture, Self::Classic];

    /// As typed: `object`, `scene`, `texture`, `classic`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Scene => "scene",
            Self::Texture => "texture",
            Self::Classic => "classic",
        }
    }

    /// The one that suits what an objective climbs in a network with these layers: things for
    /// classes (among others, where the network is a transformer), patterns for units that stand in
    /// many places.
    pub fn of(objective: &Objective, layers: &[LayerInfo]) -> Self {
        let climbed = objective.terms.iter().filter(|term| term.weight > 0.0);
        let mut climbed = climbed.filter_map(|term| {
            let name = term.measure.layer()?;
            layers.iter().find(|layer| layer.is_called(name))
        });
        let is_of_patches = |layer: &LayerInfo| matches!(layer.grid, Grid::Patches { .. });
        match climbed.any(|layer| layer.grid == Grid::None) {
            true if layers.iter().any(is_of_patches) => Self::Scene,
            true => Self::Object,
            false => Self::Texture,
        }
    }

    /// Its settings.
    pub fn making(self) -> Making {
        let classic = Making {
            settings: Settings::default(),
            seed: 0,
            steps: 512,
            tv: 0.0,
            l2: 0.0,
            diversity: 0.0,
        };
        let painted = |side, decay, zoom| Making {
            settings: Settings {
                width: side,
                height: side,
                parameterization: Parameterization::Pyramid,
                decay,
                transforms: Transforms { jitter: true, ..Transforms::NONE },
                zoom,
                views: 2,
                noise: 0.05,
                erosion: 0.3,
                ..Settings::default()
            },
            steps: 128,
            ..classic.clone()
        };
        match self {
            Self::Object => painted(160, 0.75, 1.5),
            Self::Scene => painted(160, 0.25, 1.5),
            Self::Texture => painted(128, 0.25, 1.2),
            Self::Classic => classic,
        }
    }
}

/// Lucid's.
impl Default for Making {
    fn default() -> Self {
        Preset::Classic.making()
    }
}

impl std::str::FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name).ok_or_else(|| Error::Setting {
            name: "preset",
            found: name.to_owned(),
            expected: "object, scene, texture or classic".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_things_and_units_patterns() {
        for (model, objective, preset) in [
            ("googlenet", "logits:980", Preset::Object),
            ("googlenet", "loss3/classifier:980", Preset::Object),
            ("googlenet", "mixed4d", Preset::Texture),
            ("googlenet", "mixed3a:5 + 0.1*logits:1 - tv", Preset::Object),
            ("googlenet", "mixed3a:5 - logits:1", Preset::Texture),
            ("googlenet", "tv", Preset::Texture),
            ("efficientnet-lite0", "classifier:3", Preset::Object),
            ("efficientnet-lite0", "block4:3", Preset::Texture),
            ("vit-tiny-patch16-224", "logits:980", Preset::Scene),
            ("vit-tiny-patch16-224", "blocks.10:7", Preset::Texture),
            ("vit-tiny-patch16-224", "blocks.10:7@4,4", Preset::Texture),
            ("clip-vit-b-32", "embedding:3", Preset::Scene),
            ("dinov2-vit-s-14", "pooled:3", Preset::Scene),
        ] {
            let layers = crate::models::info(model).unwrap().layers;
            assert_eq!(Preset::of(&objective.parse().unwrap(), &layers), preset, "{objective}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse::<Preset>().unwrap(), preset);
        }
        assert!("best".parse::<Preset>().is_err());
    }
}
