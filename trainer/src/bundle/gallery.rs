//! The photographs that exemplars are chosen from: a folder with `gallery.json` to sheets.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use jpeg_encoder::SamplingFactor;
use serde::Deserialize;
use serde::de::IgnoredAny;
use shared::format::bundle::{CREDITS_LIMIT, Gallery};
use shared::format::credits::{self, Credit};

use super::files::Files;
use super::kinds;
use super::sheets::Layout;
use crate::pictures::decode;

/// The list of pictures, with what each shows and whose it is.
pub const LIST: &str = "gallery.json";

/// The side of a picture, in pixels.
pub const SIDE: usize = 224;

/// Sheets of about 0.4 MB (11 kB a picture): an exemplar costs little before the whole gallery is there.
///
/// The gallery's pictures are JPEG files of quality 88 with colours at half resolution. On the same
/// grid of blocks compressing them again loses little; at quality 80 it would lose as much again.
const LAYOUT: Layout =
    Layout { side: SIDE, columns: 6, rows: 6, quality: 82, colors: SamplingFactor::F_2_2 };

/// Reads `folder/gallery.json` and lays its pictures out in that order.
pub fn gather(folder: &Path, files: &mut Files) -> Result<(Gallery, Vec<Credit>)> {
    let credits = read_list(&folder.join(LIST))?;
    let pictures = credits.iter().map(|credit| read_picture(&folder.join(&credit.file)));
    let sprites = LAYOUT.lay_out("gallery/", pictures, files)?;
    let text = credits::to_json(&credits)?;
    let credits_part = files.add("gallery/credits.json", text.into_bytes());
    Ok((Gallery { credits: credits_part, sprites }, credits))
}

/// What of a picture's entry is not told from its credit.
#[derive(Deserialize)]
struct Listed {
    /// Whether it says what kinds the picture is of, be it none.
    kinds: Option<IgnoredAny>,
}

fn read_list(path: &Path) -> Result<Vec<Credit>> {
    let reading = || format!("reading {}", path.display());
    let length = fs::metadata(path).with_context(reading)?.len();
    if CREDITS_LIMIT < length {
        bail!("{} is {length} bytes long, at most {CREDITS_LIMIT} are read", path.display());
    }
    let bytes = read_text(path)?;
    let listed: Vec<Listed> = serde_json::from_slice(&bytes).with_context(|| {
        let expected = "a list of pictures with their title, author and licence";
        format!("reading {}: expected {expected}", path.display())
    })?;
    if listed.is_empty() {
        bail!("{} lists no picture", path.display());
    }
    let mut credits = credits::from_json(&bytes, listed.len()).with_context(reading)?;
    for (credit, _) in credits.iter_mut().zip(&listed).filter(|(_, said)| said.kinds.is_none()) {
        credit.kinds = kinds::of_title(&credit.title);
    }
    Ok(credits)
}

/// A file of text that somebody wrote, without the mark that some editors begin one with.
pub fn read_text(path: &Path) -> Result<Vec<u8>> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let mut bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

fn read_picture(path: &Path) -> Result<Vec<u8>> {
    let picture = decode::read(path)?;
    let (width, height) = (picture.width(), picture.height());
    if (width, height) != (LAYOUT.side, LAYOUT.side) {
        bail!(
            "{} is {width}x{height} pixels, expected {side}x{side}",
            path.display(),
            side = LAYOUT.side
        );
    }
    Ok(picture.to_rgb8())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(file: &str) -> Value {
        json!({
            "file": file, "title": "A wall", "category": "textures", "author": "Somebody",
            "licence": "CC0-1.0", "source": "a package", "changes": "cropped",
            "licence_url": "https://creativecommons.org/publicdomain/zero/1.0/",
        })
    }

    /// Names of pictures and how wide each is.
    type Pictures<'a> = &'a [(&'a str, u32)];

    fn gather_from(list: &Value, pictures: Pictures<'_>) -> Result<(Gallery, Vec<Credit>)> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("textures")).unwrap();
        fs::write(folder.path().join(LIST), list.to_string()).unwrap();
        for (file, side) in pictures {
            image::RgbImage::new(*side, 224).save(folder.path().join(file)).unwrap();
        }
        gather(folder.path(), &mut Files::default())
    }

    #[test]
    fn pictures_come_in_the_order_of_the_list() {
        let list = json!([entry("textures/b.png"), entry("textures/a.png")]);
        let pictures = [("textures/a.png", 224), ("textures/b.png", 224)];
        let (gallery, credits) = gather_from(&list, &pictures).unwrap();
        assert_eq!(gallery.sprites.count, 2);
        let names: Vec<_> = credits.iter().map(|credit| credit.file.as_str()).collect();
        assert_eq!(names, ["textures/b.png", "textures/a.png"]);
    }

    #[test]
    fn a_picture_is_of_the_kinds_that_the_list_says_else_its_title() {
        let named = |said: Option<Value>| {
            let mut entry = entry("textures/a.png");
            entry["title"] = json!("Spaniel");
            said.into_iter().for_each(|kinds| entry["kinds"] = kinds);
            let pictures = [("textures/a.png", 224)];
            gather_from(&json!([entry]), &pictures).map(|(_, credits)| credits[0].kinds.clone())
        };
        assert_eq!(named(None).unwrap(), ["dog"]);
        assert_eq!(named(Some(json!(["toy"]))).unwrap(), ["toy"]);
        assert!(named(Some(json!([]))).unwrap().is_empty());
        let error = format!("{:#}", named(Some(json!(["Toy"]))).unwrap_err());
        assert!(error.contains("kinds[0]"), "{error}");
    }

    #[test]
    fn a_mark_that_an_editor_begins_the_list_with_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LIST), format!("\u{feff}{}", json!([entry("a.png")])))
            .unwrap();
        image::RgbImage::new(224, 224).save(folder.path().join("a.png")).unwrap();
        assert_eq!(gather(folder.path(), &mut Files::default()).unwrap().1.len(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_gallery_is_named() {
        let one = json!([entry("textures/a.png")]);
        let mut nameless = one.clone();
        nameless[0]["author"] = json!("");
        let cases: [(Value, Pictures<'_>, &str); 5] = [
            (json!({}), &[], "gallery.json"),
            (json!([]), &[], "lists no picture"),
            (nameless, &[("textures/a.png", 224)], "author"),
            (one.clone(), &[], "a.png"),
            (one, &[("textures/a.png", 200)], "200x224 pixels, expected 224x224"),
        ];
        for (list, pictures, named) in cases {
            let error = format!("{:#}", gather_from(&list, pictures).unwrap_err());
            assert!(error.contains(named), "{named}: {error}");
        }
    }
}
