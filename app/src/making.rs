//! How a dream is made, as addresses, panes and the inspector show it.

use shared::visualize::objective::Measure;
use shared::visualize::settings::Transforms;
use shared::visualize::{Making, Objective};

use crate::address::Problem;

/// A setting and its value as addresses write them.
pub fn checked(key: &str, value: &str) -> Result<(&'static str, String), Problem> {
    // An unescaped `+` arrives as a space.
    let value = if key == "transforms" { value.replace(' ', "+") } else { value.to_owned() };
    let mut trial = Making::default();
    trial.set(key, &value).map_err(|error| match error {
        shared::Error::Setting { expected, .. } => Problem::new(key, &value, expected),
        other => Problem::new(key, &value, other.to_string()),
    })?;
    let known = Making::KEYS.into_iter().find(|known| *known == key).unwrap_or_default();
    Ok((known, trial.get(known)))
}

/// Where a setting stands in addresses.
pub fn place(key: &str) -> usize {
    Making::KEYS.iter().position(|known| *known == key).unwrap_or_default()
}

/// An objective with the penalties subtracted, as the engine reads it.
pub fn penalized(typed: &str, making: &Making) -> String {
    let mut text = typed.trim().to_owned();
    for (weight, measure) in [(making.tv, "tv"), (making.l2, "l2")] {
        if weight > 0.0 {
            text.push_str(&format!(" - {weight}*{measure}"));
        }
    }
    if making.diversity > 0.0
        && making.settings.batch > 1
        && let Some(layer) = first_layer(typed)
    {
        text.push_str(&format!(" - {}*similar({layer})", making.diversity));
    }
    text
}

/// The first layer an objective names.
pub fn first_layer(typed: &str) -> Option<String> {
    let objective: Objective = typed.parse().ok()?;
    objective.terms.into_iter().find_map(|term| match term.measure {
        Measure::Unit { layer, .. } | Measure::Direction { layer, .. } => Some(layer),
        Measure::Layer(layer) | Measure::Similar(layer) => Some(layer),
        Measure::TotalVariation | Measure::L2 => None,
    })
}

/// What a setting and its value are called in front of people.
pub fn describe(key: &str, value: &str) -> String {
    let on = value == "1";
    match key {
        "size" => format!("{value} px"),
        "steps" => format!("{value} steps"),
        "seed" => format!("Seed {value}"),
        "lr" => format!("Learning rate {value}"),
        "parameterization" => match value {
            "pixel" => "Pixels".to_owned(),
            "maco" => "MACO".to_owned(),
            "pyramid" => "Pyramid".to_owned(),
            _ => "Fourier".to_owned(),
        },
        "decay" => format!("Decay {value}"),
        "margin" => format!("Margin of {value} px"),
        "zoom" if value == "1" => "No zoom".to_owned(),
        "zoom" => format!("Zoom by up to {value}"),
        "views" if value == "1" => "One view a step".to_owned(),
        "views" => format!("{value} views a step"),
        "noise" if value == "0" => "No noise".to_owned(),
        "noise" => format!("Noise {value}"),
        "erosion" if value == "0" => "No erosion".to_owned(),
        "erosion" => format!("Erosion {value}"),
        "decorrelate" if on => "Colours decorrelated".to_owned(),
        "decorrelate" => "Colours as they are".to_owned(),
        "transforms" if *value == Transforms::NONE.to_string() => "No transforms".to_owned(),
        "transforms" if *value == Transforms::STANDARD.to_string() => {
            "Standard transforms".to_owned()
        }
        "transforms" => format!("Only {}", value.replace('+', ", ")),
        "batch" => format!("Batch of {value}"),
        _ => format!("{key} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_written_in_one_way() {
        assert_eq!(checked("decorrelate", "yes"), Ok(("decorrelate", "1".to_owned())));
        assert_eq!(checked("transforms", "pad scale"), Ok(("transforms", "pad+scale".to_owned())));
        assert_eq!(checked("size", "3").unwrap_err().key, "size");
        assert!(checked("colour", "1").is_err());
    }

    #[test]
    fn penalties_are_subtracted() {
        let making = Making { tv: 0.001, l2: 0.5, ..Making::default() };
        assert_eq!(penalized(" mixed4a:11 ", &making), "mixed4a:11 - 0.001*tv - 0.5*l2");
    }

    #[test]
    fn diversity_needs_a_batch_and_a_layer() {
        let mut making = Making { diversity: 100.0, ..Making::default() };
        assert_eq!(penalized("mixed4a:11", &making), "mixed4a:11");
        making.settings.batch = 4;
        assert_eq!(penalized("mixed4a:11", &making), "mixed4a:11 - 100*similar(mixed4a)");
        assert_eq!(penalized("tv", &making), "tv");
    }
}
