//! The reader's own checks of a whole bundle, so that nothing is written that cannot be opened.

use std::io::Cursor;

use anyhow::{Context, Result, bail};
use image::ImageReader;
use shared::format::bundle::{Bundle, Sprites, labels_from_bytes};
use shared::format::credits;
use shared::format::exemplars::Whole;
use shared::format::worth::Latents;
use shared::models;

use super::files::Files;

/// Checks the description, and what is in each part that has a reader here.
pub fn check(manifest: &[u8], files: &Files) -> Result<Bundle> {
    let bundle = Bundle::parse(manifest)?;
    let bytes = |path: &str| files.get(path).with_context(|| format!("{path} was not gathered"));
    for part in bundle.parts() {
        part.check(bytes(&part.path)?)?;
    }
    let info = models::info(&bundle.model)?;
    let n_classes = info.layers.last().map_or(0, |layer| layer.channels);
    labels_from_bytes(bytes(&bundle.labels.path)?, n_classes)?;
    let mut n_pictures = 0;
    if let Some(gallery) = &bundle.gallery {
        n_pictures = gallery.sprites.count;
        credits::from_json(bytes(&gallery.credits.path)?, n_pictures)?;
        check_sheets(&gallery.sprites, files)?;
    }
    for layer in &bundle.layers {
        if let Some(dictionary) = &layer.dictionary {
            let [config, weights] = [&dictionary.config, &dictionary.weights];
            layer.dictionary(&info, bytes(&config.path)?, bytes(&weights.path)?)?;
        }
        if let Some(worth) = &layer.worth {
            for (page, part) in worth.records.iter().enumerate() {
                Latents::open(worth, page, bytes(&part.path)?.to_vec())
                    .with_context(|| part.path.clone())?;
            }
        }
        if let Some(dreams) = &layer.dreams {
            check_sheets(&dreams.sprites, files)?;
        }
        if let Some(exemplars) = &layer.exemplars {
            let read = |path: &str| bytes(path).map(<[u8]>::to_vec);
            Whole::read(exemplars, n_pictures, |part| read(&part.path))
                .with_context(|| format!("the exemplars of {}", layer.name))?;
        }
    }
    Ok(bundle)
}

fn check_sheets(sprites: &Sprites, files: &Files) -> Result<()> {
    for (index, part) in sprites.sheets.iter().enumerate() {
        let bytes = files.get(&part.path).unwrap_or_default();
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let (width, height) = reader.into_dimensions().with_context(|| part.path.clone())?;
        let expected = sprites.sheet_size(index);
        if [width as usize, height as usize] != expected {
            bail!(
                "{} is {width}x{height} pixels, expected {}x{}",
                part.path,
                expected[0],
                expected[1]
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::classes;
    use shared::format::bundle::{Dreams, Layer};
    use shared::visualize::Settings;

    use super::*;

    /// A bundle with one sheet of dreams.
    fn bundle(sheet_sides: [u32; 2]) -> (Bundle, Files) {
        let mut files = Files::default();
        let info = models::info("googlenet").unwrap();
        let text: String =
            classes::for_classes(1000).into_iter().map(|label| label.name + "\n").collect();
        let mut bundle = Bundle::new(&info, None, files.add("labels.txt", text.into_bytes()));
        let mut sheet = Cursor::new(Vec::new());
        let pixels = image::RgbImage::new(sheet_sides[0], sheet_sides[1]);
        pixels.write_to(&mut sheet, image::ImageFormat::Png).unwrap();
        let sheets = vec![files.add("mixed4a/dreams-0.png", sheet.into_inner())];
        let dreams = Dreams {
            units: vec![[0, 3]],
            sprites: Sprites { side: 16, columns: 2, rows: 2, count: 3, sheets },
            settings: Settings::default(),
            steps: 1,
            seed: 0,
            penalties: String::new(),
        };
        bundle.layers = vec![Layer { dreams: Some(dreams), ..Layer::new("mixed4a") }];
        (bundle, files)
    }

    #[test]
    fn a_sheet_of_another_size_than_its_sprites_is_refused() {
        let (good, files) = bundle([32, 32]);
        check(good.to_json().unwrap().as_bytes(), &files).unwrap();
        let (wrong, files) = bundle([32, 16]);
        let error = check(wrong.to_json().unwrap().as_bytes(), &files).unwrap_err().to_string();
        assert!(error.contains("dreams-0.png is 32x16 pixels, expected 32x32"), "{error}");
    }

    #[test]
    fn a_part_that_was_not_gathered_is_named() {
        let (bundle, _) = bundle([32, 32]);
        let error = check(bundle.to_json().unwrap().as_bytes(), &Files::default()).unwrap_err();
        assert!(error.to_string().contains("labels.txt"), "{error}");
    }
}
