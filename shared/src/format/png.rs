//! Pictures as PNG files that carry text: iTXt chunks, UTF-8 under a keyword.

use std::io::Cursor;

use crate::{Error, Result};

/// Longest text read back, in bytes. Ours are a few hundred a picture.
pub const LONGEST_TEXT: usize = 1 << 20;

/// Most memory that reading a file's texts may take, in bytes.
const READING_LIMIT: usize = 16 << 20;

/// A text chunk: a Latin-1 keyword of 1 to 79 characters, and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// What kind of text it is.
    pub keyword: &'a str,
    /// The text, any UTF-8.
    pub text: &'a str,
}

/// A PNG file of 8 bits a channel, from interleaved bytes `[height, width, 3]`. The texts stand
/// before the pixels, where readers meet them without decoding the picture.
pub fn encode(width: usize, height: usize, rgb: &[u8], texts: &[Text<'_>]) -> Result<Vec<u8>> {
    let unwritable = |error: ::png::EncodingError| format_error(error.to_string());
    let side = |pixels: usize| {
        u32::try_from(pixels).map_err(|_| format_error(format!("{pixels} pixels are too many")))
    };
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, side(width)?, side(height)?);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.set_depth(::png::BitDepth::Eight);
    for Text { keyword, text } in texts {
        encoder.add_itxt_chunk((*keyword).to_owned(), (*text).to_owned()).map_err(unwritable)?;
    }
    let mut writer = encoder.write_header().map_err(unwritable)?;
    writer.write_image_data(rgb).map_err(unwritable)?;
    writer.finish().map_err(unwritable)?;
    Ok(bytes)
}

/// The text under a keyword, wherever in the file it stands; the first if there are several.
///
/// The file is untrusted: memory is bounded, checksums are checked.
pub fn text(bytes: &[u8], keyword: &str) -> Result<Option<String>> {
    let unreadable = |error: ::png::DecodingError| format_error(error.to_string());
    let mut options = ::png::DecodeOptions::default();
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = ::png::Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(::png::Limits { bytes: READING_LIMIT });
    let mut reader = decoder.read_info().map_err(unreadable)?;
    if let Some(text) = find(reader.info(), keyword)? {
        return Ok(Some(text));
    }
    // Some programs write texts behind the pixels.
    reader.finish().map_err(unreadable)?;
    find(reader.info(), keyword)
}

fn find(info: &::png::Info<'_>, keyword: &str) -> Result<Option<String>> {
    let Some(chunk) = info.utf8_text.iter().find(|chunk| chunk.keyword == keyword) else {
        return Ok(None);
    };
    let unreadable =
        |error: ::png::DecodingError| format_error(format!("text {keyword:?}: {error}"));
    let mut chunk = chunk.clone();
    chunk.decompress_text_with_limit(LONGEST_TEXT).map_err(unreadable)?;
    let text = chunk.get_text().map_err(unreadable)?;
    if LONGEST_TEXT < text.len() {
        let found = text.len();
        return Err(format_error(format!(
            "text {keyword:?} has {found} bytes; at most {LONGEST_TEXT} are read"
        )));
    }
    Ok(Some(text))
}

fn format_error(reason: String) -> Error {
    Error::Format { what: "PNG".to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(texts: &[Text<'_>]) -> Vec<u8> {
        encode(5, 4, &rgb(), texts).unwrap()
    }

    fn rgb() -> Vec<u8> {
        (0..5 * 4 * 3).map(|value| value * 4).collect()
    }

    fn pixels(bytes: &[u8]) -> Vec<u8> {
        let mut reader = ::png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn pixels_and_texts_survive_the_round_trip() {
        let texts =
            [Text { keyword: "one", text: "größer" }, Text { keyword: "two", text: "{\"a\": 1}" }];
        let bytes = file(&texts);
        assert_eq!(pixels(&bytes), rgb());
        assert_eq!(text(&bytes, "one").unwrap().as_deref(), Some("größer"));
        assert_eq!(text(&bytes, "two").unwrap().as_deref(), Some("{\"a\": 1}"));
        assert_eq!(text(&bytes, "three").unwrap(), None);
    }

    #[test]
    fn a_text_behind_the_pixels_is_found() {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, 1, 1);
        encoder.set_color(::png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[1, 2, 3]).unwrap();
        let mut chunk = ::png::text_metadata::ITXtChunk::new("late", "still here");
        chunk.compressed = true;
        writer.write_text_chunk(&chunk).unwrap();
        writer.finish().unwrap();
        assert_eq!(text(&bytes, "late").unwrap().as_deref(), Some("still here"));
    }

    #[test]
    fn a_text_that_unpacks_without_end_is_refused() {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, 1, 1);
        encoder.set_color(::png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        let mut bomb = ::png::text_metadata::ITXtChunk::new("bomb", "0".repeat(8 << 20));
        bomb.compressed = true;
        writer.write_text_chunk(&bomb).unwrap();
        writer.write_image_data(&[1, 2, 3]).unwrap();
        writer.finish().unwrap();
        assert!(bytes.len() < 1 << 20);
        let error = text(&bytes, "bomb").unwrap_err().to_string();
        assert!(error.starts_with("PNG: text \"bomb\""), "{error}");
    }

    #[test]
    fn a_long_text_is_refused_with_its_length() {
        let long = "a".repeat(LONGEST_TEXT + 1);
        let bytes = encode(1, 1, &[1, 2, 3], &[Text { keyword: "long", text: &long }]).unwrap();
        let error = text(&bytes, "long").unwrap_err().to_string();
        assert!(error.contains(&(LONGEST_TEXT + 1).to_string()), "{error}");
    }

    #[test]
    fn every_cut_before_the_pixels_is_an_error() {
        let bytes = encode(1, 1, &[1, 2, 3], &[Text { keyword: "key", text: "value" }]).unwrap();
        let before_pixels = bytes.windows(4).position(|name| name == b"IDAT").unwrap();
        for length in 0..before_pixels {
            assert!(text(&bytes[..length], "key").is_err(), "cut after {length} bytes");
        }
    }

    #[test]
    fn a_flipped_bit_in_the_text_is_an_error() {
        let mut bytes =
            encode(1, 1, &[1, 2, 3], &[Text { keyword: "key", text: "value" }]).unwrap();
        let place = bytes.windows(5).position(|text| text == b"value").unwrap();
        bytes[place] ^= 1;
        assert!(text(&bytes, "key").is_err());
    }

    #[test]
    fn a_header_that_claims_a_huge_picture_takes_no_memory_for_it() {
        let mut bytes = Vec::new();
        let mut encoder = ::png::Encoder::new(&mut bytes, 1 << 30, 1 << 30);
        encoder.set_color(::png::ColorType::Rgba);
        encoder.add_itxt_chunk("key".to_owned(), "value".to_owned()).unwrap();
        drop(encoder.write_header());
        assert!(text(&bytes, "key").is_err());
    }
}
