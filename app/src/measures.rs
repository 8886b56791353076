//! What is measured of a dictionary's latents, in addresses and in words.

use shared::format::worth::{Latent, Measure};

use crate::numbers::{percent, value};

/// A measure's name in addresses.
pub fn key(measure: Measure) -> &'static str {
    match measure {
        Measure::Frequency => "frequency",
        Measure::Mean => "mean",
        Measure::Max => "max",
        Measure::Purity => "purity",
        Measure::Coherence => "coherence",
        Measure::Stability => "stability",
        Measure::Monosemanticity => "monosemanticity",
    }
}

/// The measure of this name.
pub fn measure(key_of: &str) -> Option<Measure> {
    Measure::ALL.into_iter().find(|measure| key(*measure) == key_of)
}

/// A measure's name for people.
pub fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Max => "largest",
        other => key(other),
    }
}

/// A measure of a latent as people read it.
pub fn shown(latent: &Latent, measure: Measure) -> String {
    let number = of(latent, measure);
    match measure {
        Measure::Frequency | Measure::Purity | Measure::Coherence => percent(number),
        Measure::Mean | Measure::Max | Measure::Stability | Measure::Monosemanticity => {
            value(number)
        }
    }
}

/// What a measure means, in a few words.
pub fn words(measure: Measure) -> &'static str {
    match measure {
        Measure::Frequency => "how often it fires",
        Measure::Mean => "how strongly, where it fires",
        Measure::Max => "its strongest",
        Measure::Purity => "how many of its best pictures show the same",
        Measure::Coherence => "how often it fires side by side",
        Measure::Stability => "how alike a second training found it",
        Measure::Monosemanticity => "how alike its pictures are to another network",
    }
}

/// A measure of a latent.
pub fn of(latent: &Latent, measure: Measure) -> f32 {
    let place = Measure::ALL.iter().position(|known| *known == measure).unwrap_or(0);
    latent.measures[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_called_by_one_name_each() {
        for known in Measure::ALL {
            assert_eq!(measure(key(known)), Some(known));
        }
        assert_eq!(measure("weight"), None);
    }
}
