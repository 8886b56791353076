//! Picture files: found, decoded upright, and handed on ahead of whoever computes.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use libjpeg_turbo_rs::PixelFormat;
use shared::image::Picture;

/// Endings of files that folders are searched for.
pub const ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "webp", "bmp", "gif"];

/// Pictures decoded ahead of the one that is computed with. Two hide decoding behind inference;
/// more would only cost memory.
const AHEAD: usize = 2;

/// The largest picture that is decoded: it takes 12 bytes a pixel afterwards. A small file can claim
/// to be of any size.
const MOST_PIXELS: u64 = 128 << 20;

/// Every picture under the given files and folders: files as given, folders sorted by name
/// and walked to the bottom.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            walk(path, &mut found)?;
            if found.len() == before {
                bail!("{} holds no picture ({})", path.display(), ENDINGS.join(", "));
            }
        } else {
            // Also what does not exist: whoever reads it says so and goes on with the rest.
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("reading the folder {}", folder.display());
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(reading)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .with_context(reading)?;
    entries.sort();
    for path in entries {
        // Links to folders are not followed: they can lead round in circles.
        let is_folder = path.is_dir() && !path.is_symlink();
        if is_folder {
            walk(&path, found)?;
        } else if is_picture(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file is called like a picture and is there.
pub fn is_picture(path: &Path) -> bool {
    has_picture_ending(path) && path.is_file()
}

/// Whether a file is called like a picture.
pub fn has_picture_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Decodes a picture by its content, whatever its name, and turns it upright as its EXIF says.
/// Of an animation, the first frame.
pub fn read(path: &Path) -> Result<Picture> {
    let name = path.display().to_string();
    decode(&fs::read(path).with_context(|| name.clone())?, &name)
}

/// Decodes a picture called `name` as [`read`] does.
pub fn decode(bytes: &[u8], name: &str) -> Result<Picture> {
    let name = || name.to_owned();
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().with_context(name)?;
    let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
    let mut decoder = reader.into_decoder().with_context(name)?;
    let orientation = decoder.orientation().with_context(name)?;
    let (width, height) = decoder.dimensions();
    if MOST_PIXELS < u64::from(width) * u64::from(height) {
        bail!("{}: {width}x{height} pixels, at most {MOST_PIXELS} are decoded", name());
    }
    let mut decoded = match is_jpeg.then(|| jpeg(bytes)).flatten() {
        Some(decoded) => decoded,
        None => DynamicImage::from_decoder(decoder).with_context(name)?,
    };
    decoded.apply_orientation(orientation);
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let picture = if decoded.color().has_alpha() {
        Picture::from_rgba8(width, height, &decoded.into_rgba8())
    } else {
        Picture::from_rgb8(width, height, &decoded.into_rgb8())
    };
    picture.with_context(name)
}

/// A JPEG file's pixels, byte for byte as libjpeg decodes them, which is what browsers and the
/// programs that networks were trained with use. `image` rounds colours that are stored at half
/// size a third of a level too high, enough to move a unit's mean activation by one per cent.
/// Nothing where this decoder does not know what to do (or the file is damaged).
fn jpeg(bytes: &[u8]) -> Option<DynamicImage> {
    let decoded = libjpeg_turbo_rs::decompress_to(bytes, PixelFormat::Rgb).ok()?;
    let (width, height) = (decoded.width.try_into().ok()?, decoded.height.try_into().ok()?);
    RgbImage::from_raw(width, height, decoded.data).map(DynamicImage::ImageRgb8)
}

/// Reads pictures on a thread of its own, in order, a few ahead, each passed through `prepare` there.
pub fn read_ahead<T: Send + 'static>(
    paths: Vec<PathBuf>,
    prepare: impl Fn(Picture) -> T + Send + 'static,
) -> Receiver<(PathBuf, Result<T>)> {
    let (sender, receiver) = sync_channel(AHEAD);
    thread::spawn(move || {
        for path in paths {
            let prepared = read(&path).map(&prepare);
            if sender.send((path, prepared)).is_err() {
                // Nobody waits for the rest.
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_to_the_bottom_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("b");
        fs::create_dir(&inner).unwrap();
        for name in ["c.PNG", "a.jpg", "notes.txt", "b/z.webp", "b/y.gif"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["a.jpg", "b/y.gif", "b/z.webp", "c.PNG"]);
    }

    #[test]
    fn a_folder_without_pictures_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = find(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("holds no picture"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_picture_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.jpg");
        fs::write(&path, "this is prose").unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("broken.jpg"), "{error}");
    }

    #[test]
    fn a_small_file_that_claims_a_huge_picture_is_refused_by_name() {
        // A PNG's first chunk says how large it is; its checksum is right, and nothing follows.
        let mut claim = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut claim);
        let grey = image::ExtendedColorType::L8;
        image::ImageEncoder::write_image(encoder, &[0], 1, 1, grey).unwrap();
        claim[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
        let mut checksum = flate2::Crc::new();
        checksum.update(&claim[12..29]);
        claim[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
        let error = decode(&claim, "bomb.png").unwrap_err().to_string();
        assert!(error.contains("bomb.png: 50000x50000 pixels"), "{error}");
    }

    #[test]
    fn every_format_decodes_to_the_same_picture() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = image::RgbImage::from_fn(16, 8, |x, _| {
            image::Rgb(if x < 8 { [255, 0, 0] } else { [0, 0, 255] })
        });
        for ending in ENDINGS {
            let path = folder.path().join(format!("picture.{ending}"));
            pixels.save(&path).unwrap();
            let picture = read(&path).unwrap();
            assert_eq!((picture.width(), picture.height()), (16, 8), "{ending}");
            let bytes = picture.to_rgb8();
            // JPEG may be off by a few.
            assert!(240 < bytes[0] && bytes[2] < 15, "{ending}: {:?}", &bytes[..3]);
        }
    }

    #[test]
    fn colours_stored_at_half_size_are_rounded_as_libjpeg_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.jpg");
        fs::write(&path, include_bytes!("images/small.jpg")).unwrap();
        // Written by Pillow (libjpeg-turbo), and read by it again.
        assert_eq!(read(&path).unwrap().to_rgb8(), include_bytes!("images/small.rgb"));
    }

    #[test]
    fn a_photograph_taken_sideways_is_turned_upright() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sideways.jpg");
        let pixels = image::RgbImage::from_fn(32, 16, |x, _| {
            image::Rgb(if x < 16 { [255, 0, 0] } else { [0, 0, 255] })
        });
        let mut plain = std::io::Cursor::new(Vec::new());
        pixels.write_to(&mut plain, image::ImageFormat::Jpeg).unwrap();
        fs::write(&path, with_exif_orientation(plain.get_ref(), 6)).unwrap();
        // Orientation 6: a quarter turn clockwise makes it upright, so left becomes top.
        let picture = read(&path).unwrap();
        assert_eq!((picture.width(), picture.height()), (16, 32));
        let bytes = picture.to_rgb8();
        assert!(200 < bytes[0] && 200 < bytes[bytes.len() - 1]);
    }

    /// A JPEG with an EXIF segment that holds nothing but its orientation.
    fn with_exif_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        let mut bytes = jpeg[..2].to_vec();
        bytes.extend([0xff, 0xe1, 0, exif.len() as u8 + 2]);
        bytes.extend(&exif);
        bytes.extend(&jpeg[2..]);
        bytes
    }

    #[test]
    fn reading_ahead_keeps_the_order_and_carries_the_errors() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.png");
        image::RgbImage::new(4, 4).save(&good).unwrap();
        let paths = vec![good.clone(), folder.path().join("missing.png"), good.clone()];
        let read: Vec<_> =
            read_ahead(paths.clone(), |picture| picture.width()).into_iter().collect();
        assert_eq!(read.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(), paths);
        assert_eq!(
            read.iter().map(|(_, width)| width.is_ok()).collect::<Vec<_>>(),
            [true, false, true]
        );
    }
}
