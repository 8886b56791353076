//! Picture files to pixels, whatever their format, upright.
//!
//! Page and command see the same pixels of the same file: the values as they are stored, without
//! colour profile or gamma, turned upright as EXIF says in JPEG, PNG and WebP.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use shared::format::orientation;
use shared::image::Picture;

use super::found::Content;
use super::jpeg::Jpeg;
use super::name;

/// Endings of files that folders are searched for.
pub const ENDINGS: [&str; 8] = ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif"];

/// The largest picture that is decoded: it takes 12 bytes a pixel afterwards. A small file can claim
/// to be of any size.
const MOST_PIXELS: u64 = 128 << 20;

/// Whether a file is called like a picture.
pub fn has_picture_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Decodes a picture by its content, whatever its name, and turns it upright as its EXIF says.
/// Of an animation, the first frame.
pub fn read(path: &Path) -> Result<Picture> {
    let name = name::text(path.as_os_str());
    decode(&fs::read(path).with_context(|| name.clone())?, &name)
}

/// Decodes a picture called `name` as [`read`] does, wherever it lies.
pub fn content(name: &str, content: Content) -> Result<Picture> {
    match content {
        Content::File(path) => read(&path),
        Content::Bytes(bytes) => decode(&bytes, name),
        Content::Broken(reason) => Err(anyhow!("{name}: {reason}")),
    }
}

fn decode(bytes: &[u8], name: &str) -> Result<Picture> {
    upright(bytes).with_context(|| name.to_owned())
}

fn upright(bytes: &[u8]) -> Result<Picture> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut decoded = if reader.format() == Some(ImageFormat::Jpeg) {
        let jpeg = Jpeg::open(bytes)?;
        let (width, height) = jpeg.dimensions();
        refuse_too_many_pixels(width, height)?;
        DynamicImage::ImageRgb8(jpeg.decode()?)
    } else {
        let decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        refuse_too_many_pixels(width, height)?;
        DynamicImage::from_decoder(decoder)?
    };
    decoded.apply_orientation(orientation::of(bytes));
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    if decoded.color().has_alpha() {
        Ok(Picture::from_rgba8(width, height, &decoded.into_rgba8())?)
    } else {
        Ok(Picture::from_rgb8(width, height, &decoded.into_rgb8())?)
    }
}

fn refuse_too_many_pixels(width: u32, height: u32) -> Result<()> {
    if MOST_PIXELS < u64::from(width) * u64::from(height) {
        bail!("{width}x{height} pixels, at most {MOST_PIXELS} are decoded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let error = format!("{:#}", decode(&claim, "bomb.png").unwrap_err());
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
            let format = ImageFormat::from_extension(ending).unwrap_or(ImageFormat::Jpeg);
            pixels.save_with_format(&path, format).unwrap();
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
        fs::write(&path, include_bytes!("small.jpg")).unwrap();
        // Written by Pillow (libjpeg-turbo), and read by it again.
        assert_eq!(read(&path).unwrap().to_rgb8(), include_bytes!("small.rgb"));
    }

    #[test]
    fn a_photograph_taken_sideways_is_turned_upright_in_every_format_that_says_so() {
        let pixels = image::RgbImage::from_fn(32, 16, |x, _| {
            image::Rgb(if x < 16 { [255, 0, 0] } else { [0, 0, 255] })
        });
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let mut plain = Cursor::new(Vec::new());
            pixels.write_to(&mut plain, format).unwrap();
            // Orientation 6: a quarter turn clockwise makes it upright, so left becomes top.
            let sideways = with_exif(plain.get_ref(), format, 6);
            let picture = decode(&sideways, "sideways").unwrap();
            assert_eq!((picture.width(), picture.height()), (16, 32), "{format:?}");
            let bytes = picture.to_rgb8();
            assert!(200 < bytes[0] && 200 < bytes[bytes.len() - 1], "{format:?}");
        }
    }

    #[test]
    fn profiles_and_gamma_leave_the_values_as_they_are_stored() {
        let pixels = image::RgbImage::from_pixel(8, 8, image::Rgb([200, 100, 50]));
        let mut plain = Cursor::new(Vec::new());
        pixels.write_to(&mut plain, ImageFormat::Png).unwrap();
        // A gamma of 1.0, where a decoder that applies it would make everything lighter.
        let dark = with_chunk(plain.get_ref(), b"gAMA", &100_000_u32.to_be_bytes());
        assert_eq!(decode(&dark, "dark.png").unwrap().to_rgb8()[..3], [200, 100, 50]);
    }

    /// A file with EXIF that holds nothing but an orientation.
    fn with_exif(file: &[u8], format: ImageFormat, orientation: u8) -> Vec<u8> {
        let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        match format {
            ImageFormat::Png => with_chunk(file, b"eXIf", &exif),
            ImageFormat::WebP => {
                // An extended file says its size first, here 32 by 16, and what it has.
                let extended = b"VP8X\x0a\0\0\0\x08\0\0\0\x1f\0\0\x0f\0\0";
                let mut body = [b"WEBP", &extended[..], &file[12..], b"EXIF"].concat();
                body.extend((exif.len() as u32).to_le_bytes());
                body.extend(exif);
                [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
            }
            _ => {
                let segment = [b"Exif\0\0", &exif[..]].concat();
                let length = [0xff, 0xe1, 0, segment.len() as u8 + 2];
                [&file[..2], &length, &segment, &file[2..]].concat()
            }
        }
    }

    /// A PNG file with one more chunk behind its header.
    fn with_chunk(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        const HEADER: usize = 33;
        let mut checksum = flate2::Crc::new();
        checksum.update(kind);
        checksum.update(data);
        let (length, sum) = ((data.len() as u32).to_be_bytes(), checksum.sum().to_be_bytes());
        [&png[..HEADER], &length, kind, data, &sum, &png[HEADER..]].concat()
    }
}
