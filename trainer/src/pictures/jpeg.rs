//! JPEG files to pixels, byte for byte as libjpeg decodes them, which is what browsers and the
//! programs that networks were trained with use. `image`'s own decoder rounds colours that are
//! stored at half size a third of a level too high, enough to move a unit's mean activation by one
//! per cent, fills in what is missing from a damaged file without a word, and does not know
//! arithmetic coding.

use anyhow::{Context, Result, anyhow, bail};
use image::RgbImage;
use libjpeg_turbo_rs::{
    ColorSpace, ComponentInfo, DecodeWarning, Decoder, FrameHeader, JpegError, PixelFormat,
};

/// A file whose header was read.
pub struct Jpeg<'a> {
    bytes: &'a [u8],
    decoder: Decoder<'a>,
}

impl<'a> Jpeg<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is damaged, or of a kind that is not read.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self { bytes, decoder: Decoder::new(bytes).map_err(in_words)? })
    }

    /// Width and height in pixels, as it is stored.
    pub fn dimensions(&self) -> (u32, u32) {
        let frame = self.decoder.header();
        (frame.width.into(), frame.height.into())
    }

    /// Decodes the whole picture, as it is stored: not turned, its colour profile left aside.
    ///
    /// # Errors
    /// What is damaged, ends early, or is of a kind that is not read.
    pub fn decode(self) -> Result<RgbImage> {
        let (width, height) = self.dimensions();
        let Self { bytes, mut decoder } = self;
        let frame = decoder.header();
        let finer = has_finer_chroma(&decoder);
        let is_plain = frame.precision == 8 && !frame.is_lossless;
        if !is_evenly_sampled(frame) || finer && !is_plain {
            bail!("a kind of JPEG that is not read: colours sampled in an unusual way");
        }
        if !has_its_end(bytes) {
            bail!(ENDS_EARLY);
        }
        if finer {
            // Straight to RGB, this decoder takes luma to be the finest. It sizes the planes for
            // themselves as libjpeg does, strictly only where it would not have to.
            decoder.set_output_colorspace(ColorSpace::YCbCr);
            decoder.set_lenient(true);
        } else {
            decoder.set_output_format(PixelFormat::Rgb);
        }
        let decoded = decoder.decode_image().map_err(in_words)?;
        if let Some(damage) = decoded.warnings.iter().find(|warning| is_damage(warning)) {
            bail!("the file is damaged: {damage}");
        }
        let mut pixels = decoded.data;
        if finer {
            pixels.chunks_exact_mut(3).for_each(rgb_from_ycbcr);
        }
        RgbImage::from_raw(width, height, pixels).context("the decoder gave too few pixels")
    }
}

const ENDS_EARLY: &str = "the file is damaged: it ends before its picture does";

fn in_words(error: JpegError) -> anyhow::Error {
    match error {
        JpegError::UnexpectedEof => anyhow!(ENDS_EARLY),
        JpegError::Unsupported(what) => anyhow!("a kind of JPEG that is not read: {what}"),
        damage => anyhow!("the file is damaged: {damage}"),
    }
}

/// Bytes between two segments that belong to neither are common and harm no pixel.
fn is_damage(warning: &DecodeWarning) -> bool {
    !matches!(warning, DecodeWarning::ExtraneousData { .. })
}

/// Whether a colour plane of a YCbCr picture has more columns or rows than its luma.
fn has_finer_chroma(decoder: &Decoder<'_>) -> bool {
    let [luma, chroma @ ..] = decoder.header().components.as_slice() else { return false };
    decoder.jpeg_color_space() == ColorSpace::YCbCr
        && chroma.iter().any(|plane| {
            luma.horizontal_sampling < plane.horizontal_sampling
                || luma.vertical_sampling < plane.vertical_sampling
        })
}

/// Of four colours the decoder takes the first and the last to be the finest, the others to be alike.
fn is_evenly_sampled(frame: &FrameHeader) -> bool {
    let sampling = |plane: &ComponentInfo| [plane.horizontal_sampling, plane.vertical_sampling];
    let [first, second, third, fourth] = frame.components.as_slice() else { return true };
    let finest = sampling(first);
    let [across, down] = sampling(second);
    let divides = finest[0].is_multiple_of(across) && finest[1].is_multiple_of(down);
    divides && sampling(second) == sampling(third) && sampling(fourth) == finest
}

/// Whether the marker that ends a picture comes before the file does. Browsers refuse a file without
/// it, and what is missing of arithmetic coding reads as zeros that mean something.
fn has_its_end(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        // Behind 0xff in coded data stands zero or the number of a restart.
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
        let Some(marker) = rest.windows(2).position(is_marker) else { return false };
        match &rest[marker + 1..] {
            [END, ..] => return true,
            [_, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = rest.get(marker + 2 + length..).unwrap_or_default();
            }
            _ => return false,
        }
    }
}

/// ITU-T T.871, in libjpeg's integers: 16 bits behind the point, halves up.
fn rgb_from_ycbcr(pixel: &mut [u8]) {
    let [luma, blue, red] = [0, 1, 2].map(|channel| i32::from(pixel[channel]));
    let (blue, red) = (blue - 128, red - 128);
    const HALF: i32 = 1 << 15;
    let rgb = [
        luma + ((91_881 * red + HALF) >> 16),
        luma + ((-22_554 * blue - 46_802 * red + HALF) >> 16),
        luma + ((116_130 * blue + HALF) >> 16),
    ];
    for (value, level) in pixel.iter_mut().zip(rgb) {
        *value = level.clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use libjpeg_turbo_rs::Encoder;

    use super::*;

    const SIDE: usize = 96;

    /// Soft colours: what is stored coarsely comes back nearly as it was.
    fn photograph() -> Vec<u8> {
        let places = (0..SIDE * SIDE).map(|place| (place % SIDE, place / SIDE));
        places.flat_map(|(x, y)| [60 + x as u8, 200 - y as u8, 80 + (x + y) as u8 / 2]).collect()
    }

    fn decode(bytes: &[u8]) -> Result<RgbImage> {
        Jpeg::open(bytes)?.decode()
    }

    fn encoder(pixels: &[u8]) -> Encoder<'_> {
        Encoder::new(pixels, SIDE, SIDE, PixelFormat::Rgb).quality(95)
    }

    fn farthest(decoded: &RgbImage, pixels: &[u8]) -> u8 {
        let pairs = decoded.as_raw().iter().zip(pixels);
        pairs.map(|(one, other)| one.abs_diff(*other)).max().unwrap()
    }

    #[test]
    fn every_coding_and_sampling_gives_the_picture_back() {
        let pixels = photograph();
        let sampled = |luma, chroma| encoder(&pixels).sampling_factors(vec![luma, chroma, chroma]);
        for (what, encoder) in [
            ("baseline", encoder(&pixels)),
            ("progressive", encoder(&pixels).progressive(true)),
            ("arithmetic", encoder(&pixels).arithmetic(true)),
            ("both", encoder(&pixels).arithmetic(true).progressive(true)),
            ("4:2:0", sampled((2, 2), (1, 1))),
            ("3:1", sampled((3, 1), (1, 1))),
            ("chroma finer", sampled((1, 1), (2, 2))),
            ("chroma wider", sampled((1, 1), (2, 1))),
        ] {
            let file = encoder.encode().unwrap();
            let decoded = decode(&file).unwrap_or_else(|error| panic!("{what}: {error:#}"));
            let farthest = farthest(&decoded, &pixels);
            assert!(farthest < 12, "{what}: off by {farthest}");
        }
    }

    #[test]
    fn colours_are_turned_into_rgb_as_libjpeg_does() {
        let pixels = photograph();
        let file = encoder(&pixels).encode().unwrap();
        let mut decoder = Decoder::new(&file).unwrap();
        decoder.set_output_colorspace(ColorSpace::YCbCr);
        let mut converted = decoder.decode_image().unwrap().data;
        converted.chunks_exact_mut(3).for_each(rgb_from_ycbcr);
        assert!(decode(&file).unwrap().into_raw() == converted);
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged_however_it_is_coded() {
        let pixels = photograph();
        let finer = vec![(1, 1), (2, 2), (2, 2)];
        for encoder in [
            encoder(&pixels),
            encoder(&pixels).progressive(true),
            encoder(&pixels).arithmetic(true),
            encoder(&pixels).sampling_factors(finer),
        ] {
            let file = encoder.encode().unwrap();
            for kept in [10, 30, 50, 70, 90, 99] {
                let cut = &file[..file.len() * kept / 100];
                let error = decode(cut).map(drop).unwrap_err().to_string();
                assert!(error.contains("damaged"), "{kept} %: {error}");
            }
        }
    }

    #[test]
    fn a_picture_that_ends_early_within_a_whole_file_is_damaged() {
        let pixels = photograph();
        for encoder in [encoder(&pixels), encoder(&pixels).progressive(true)] {
            let mut file = encoder.encode().unwrap();
            file.drain(file.len() * 2 / 3..file.len() - 2);
            assert!(decode(&file).is_err());
        }
    }

    #[test]
    fn bytes_behind_the_picture_or_between_segments_harm_nothing() {
        let pixels = photograph();
        let file = encoder(&pixels).encode().unwrap();
        let whole = decode(&file).unwrap();
        let mut longer = file.clone();
        // As phones put a film there.
        longer.extend(b"a maker's notes \xff\xda");
        assert!(decode(&longer).unwrap() == whole);
        let stray = [&file[..2], &[0, 0], &file[2..]].concat();
        assert!(decode(&stray).unwrap() == whole);
    }
}
