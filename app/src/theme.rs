//! The page's colours.

/// Colours of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// A gallery at night.
    Dark,
    /// For projectors.
    Light,
}

impl Theme {
    /// As in the address: `dark`, `light`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    /// The theme of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Dark, Self::Light].into_iter().find(|theme| theme.name() == name)
    }

    /// The theme whose words can be read on a colour such as `#101418`; nothing where what is
    /// behind it shows through.
    pub fn on(colour: &str) -> Option<Self> {
        let digits = colour.strip_prefix('#')?;
        let short = digits.len() < 6;
        let channel = |place: usize| {
            let digits = match short {
                true => digits.get(place..=place)?.repeat(2),
                false => digits.get(2 * place..2 * place + 2)?.to_owned(),
            };
            Some(f32::from(u8::from_str_radix(&digits, 16).ok()?) / 255.0)
        };
        if channel(3).is_some_and(|alpha| alpha < 0.5) {
            return None;
        }
        // WCAG's relative luminance, with its curve as a power.
        let light = |place| Some(channel(place)?.powf(2.2));
        let luminance = 0.2126 * light(0)? + 0.7152 * light(1)? + 0.0722 * light(2)?;
        // Where black and white stand out equally.
        Some(if luminance < 0.18 { Self::Dark } else { Self::Light })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_a_colour_can_be_read() {
        for (colour, theme) in [
            ("#101418", Some(Theme::Dark)),
            ("#fff", Some(Theme::Light)),
            ("#fffc", Some(Theme::Light)),
            ("#3355aaff", Some(Theme::Dark)),
            ("#f5d000", Some(Theme::Light)),
            ("#10141820", None),
            ("transparent", None),
        ] {
            assert_eq!(Theme::on(colour), theme, "{colour}");
        }
    }
}
