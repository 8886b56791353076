//! How a dream is made, as panes, palette and inspector show it.

use shared::visualize::settings::Transforms;

/// What a setting and its value are called in front of people.
pub fn describe(key: &str, value: &str) -> String {
    let on = value == "1";
    match key {
        "size" => format!("{value} px"),
        "steps" => format!("{value} steps"),
        "seed" => format!("Seed {value}"),
        "lr" => format!("Learning rate {value}"),
        "parameterization" => capital(name_of(value)),
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

fn capital(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}

/// What a choice is called in front of people.
pub fn name_of(choice: &str) -> &str {
    match choice {
        "fourier" => "Fourier",
        "pixel" => "pixels",
        "maco" => "MACO",
        other => other,
    }
}
