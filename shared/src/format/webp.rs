//! Moving pictures as animated WebP: frames that a browser encoded, put into one file that loops.
//!
//! The container is RIFF: `VP8X` says what is inside, `ANIM` how often it loops, and each `ANMF`
//! holds a frame. Source: the WebP Container Specification,
//! <https://developers.google.com/speed/webp/docs/riff_container>.

use crate::{Error, Result};

/// The longest side of a WebP picture, in pixels: sizes are stored in 24 bits, encoders take 14.
const SIDE_LIMIT: usize = 16_383;

/// The longest time a frame can be shown, in milliseconds: 24 bits.
const DURATION_LIMIT: u32 = (1 << 24) - 1;

/// In `VP8X`: some picture is transparent somewhere.
const HAS_ALPHA: u8 = 0x10;

/// In `VP8X`: the file is an animation.
const IS_ANIMATED: u8 = 0x02;

/// In `ANMF`: the frame replaces what was there instead of being laid over it.
const REPLACES: u8 = 0x02;

/// One picture of an animation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// A whole WebP file with one picture.
    pub file: &'a [u8],
    /// How long it is shown, in milliseconds.
    pub duration: u32,
}

/// What an animation consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Animation {
    /// Pixels across and down.
    pub size: [usize; 2],
    /// How long each frame is shown, in milliseconds.
    pub durations: Vec<u32>,
}

/// An animation of these frames, all of `size` (pixels across and down), that loops for ever.
///
/// # Errors
/// When there is no frame, or one is no WebP picture of that size.
pub fn animate(size: [usize; 2], frames: &[Frame<'_>]) -> Result<Vec<u8>> {
    if frames.is_empty() {
        return Err(wrong("an animation needs at least one frame".to_owned()));
    }
    if size.iter().any(|side| !(1..=SIDE_LIMIT).contains(side)) {
        return Err(wrong(format!("{}x{} is no size for a picture", size[0], size[1])));
    }
    let pictures = frames.iter().map(|frame| picture(frame.file));
    let pictures: Vec<Picture<'_>> = pictures.collect::<Result<_>>()?;
    if let Some(other) = pictures.iter().find(|picture| picture.size != size) {
        let [width, height] = other.size;
        return Err(wrong(format!(
            "a frame is {width}x{height} pixels, expected {}x{}",
            size[0], size[1]
        )));
    }
    let has_alpha = pictures.iter().any(|picture| picture.has_alpha);

    let mut body = b"WEBP".to_vec();
    let mut extended = vec![IS_ANIMATED | if has_alpha { HAS_ALPHA } else { 0 }, 0, 0, 0];
    extended.extend(sides(size));
    chunk(&mut body, b"VP8X", &extended);
    // The background in BGRA, which frames as large as the picture cover; no count of loops.
    chunk(&mut body, b"ANIM", &[0; 6]);
    for (frame, picture) in frames.iter().zip(&pictures) {
        let mut content = vec![0; 6];
        content.extend(sides(size));
        content.extend(&frame.duration.min(DURATION_LIMIT).to_le_bytes()[..3]);
        content.push(REPLACES);
        for (name, data) in &picture.chunks {
            chunk(&mut content, name, data);
        }
        chunk(&mut body, b"ANMF", &content);
    }
    let mut file = Vec::with_capacity(body.len() + 8);
    chunk(&mut file, b"RIFF", &body);
    Ok(file)
}

/// Sizes and times of an animation, without its pictures.
///
/// # Errors
/// When the file is no animated WebP, or is cut short.
pub fn read(file: &[u8]) -> Result<Animation> {
    let mut chunks = Chunks::of(file)?;
    let (name, extended) = chunks.next().transpose()?.unwrap_or((*b"none", &[]));
    if name != *b"VP8X" || extended.len() < 10 || extended[0] & IS_ANIMATED == 0 {
        return Err(wrong("is no animation".to_owned()));
    }
    let size = [1 + number(&extended[4..7]), 1 + number(&extended[7..10])];
    let mut durations = Vec::new();
    for chunk in chunks {
        let (name, content) = chunk?;
        if name == *b"ANMF" {
            let time = content.get(12..15);
            let time = time.ok_or_else(|| wrong("a frame is cut short".to_owned()))?;
            durations.push(number(time) as u32);
        }
    }
    Ok(Animation { size, durations })
}

/// The chunks that make one picture.
struct Picture<'a> {
    size: [usize; 2],
    has_alpha: bool,
    chunks: Vec<([u8; 4], &'a [u8])>,
}

/// The picture in a file: `VP8 ` (RFC 6386, section 9.1) with an `ALPH` before it where it is
/// transparent, or `VP8L` (the WebP Lossless Bitstream Specification, section 3).
fn picture(file: &[u8]) -> Result<Picture<'_>> {
    let mut picture = Picture { size: [0, 0], has_alpha: false, chunks: Vec::new() };
    for chunk in Chunks::of(file)? {
        let (name, data) = chunk?;
        match &name {
            b"ALPH" => picture.has_alpha = true,
            b"VP8 " if data.len() >= 10 => {
                // Behind three bytes of frame tag and three of start code; the top bits scale.
                picture.size = [number(&data[6..8]) & 0x3fff, number(&data[8..10]) & 0x3fff];
            }
            b"VP8L" if data.len() >= 5 => {
                let bits = number(&data[1..5]);
                picture.size = [1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)];
                picture.has_alpha |= bits >> 28 & 1 == 1;
            }
            b"ANMF" => return Err(wrong("a frame is an animation itself".to_owned())),
            // What belongs to the whole file: colour profiles, notes.
            _ => continue,
        }
        picture.chunks.push((name, data));
    }
    match picture.size {
        [0, _] | [_, 0] => Err(wrong("a frame holds no picture".to_owned())),
        _ => Ok(picture),
    }
}

/// Name and content of each chunk of a WebP file.
struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    fn of(file: &'a [u8]) -> Result<Self> {
        let is_webp = file.len() >= 12 && file.starts_with(b"RIFF") && &file[8..12] == b"WEBP";
        if !is_webp {
            return Err(wrong("is no WebP file".to_owned()));
        }
        let end = 8_usize.saturating_add(number(&file[4..8]));
        match file.get(12..end) {
            Some(chunks) => Ok(Self(chunks)),
            None => Err(wrong(format!("{} bytes of {end} are there", file.len()))),
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<([u8; 4], &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = match self.0.split_first_chunk::<8>() {
            Some(split) => split,
            None if self.0.is_empty() => return None,
            None => {
                self.0 = &[];
                return Some(Err(wrong("it ends within a chunk's head".to_owned())));
            }
        };
        let [a, b, c, d, length @ ..] = *head;
        let length = number(&length);
        let Some(content) = rest.get(..length) else {
            self.0 = &[];
            return Some(Err(wrong(format!("a chunk of {length} bytes is cut short"))));
        };
        // Chunks begin at even places.
        self.0 = rest.get(length + length % 2..).unwrap_or_default();
        Some(Ok(([a, b, c, d], content)))
    }
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    out.extend(name);
    out.extend(&(content.len() as u32).to_le_bytes());
    out.extend(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
}

/// Width and height as the container stores them: less one, in 24 bits each.
fn sides([width, height]: [usize; 2]) -> impl Iterator<Item = u8> {
    let side = |pixels: usize| {
        let [a, b, c, ..] = (pixels as u32 - 1).to_le_bytes();
        [a, b, c]
    };
    side(width).into_iter().chain(side(height))
}

/// A little-endian number of at most four bytes.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

fn wrong(reason: String) -> Error {
    Error::Format { what: "WebP".to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest files with a head that says their size; no decoder would find pixels in them.
    fn lossy(width: u16, height: u16) -> Vec<u8> {
        let mut data = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a];
        data.extend(width.to_le_bytes());
        data.extend(height.to_le_bytes());
        data.push(7);
        file(&[(b"VP8 ", &data)])
    }

    fn lossless(width: u32, height: u32) -> Vec<u8> {
        let bits = (width - 1) | (height - 1) << 14 | 1 << 28;
        let data = [&[0x2f][..], &bits.to_le_bytes()].concat();
        file(&[(b"VP8L", &data)])
    }

    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        chunks.iter().for_each(|(name, data)| chunk(&mut body, name, data));
        let mut file = Vec::new();
        chunk(&mut file, b"RIFF", &body);
        file
    }

    #[test]
    fn an_animation_keeps_sizes_times_and_pictures() {
        let (first, second) = (lossy(300, 7), lossless(300, 7));
        let frames = [
            Frame { file: &first, duration: 40 },
            Frame { file: &second, duration: 1500 },
            Frame { file: &first, duration: u32::MAX },
        ];
        let animation = animate([300, 7], &frames).unwrap();
        let found = read(&animation).unwrap();
        assert_eq!(found.size, [300, 7]);
        assert_eq!(found.durations, [40, 1500, DURATION_LIMIT]);
        assert_eq!(animation.len() % 2, 0);
        for picture in [&first[12..], &second[12..]] {
            assert!(animation.windows(picture.len()).any(|window| window == picture));
        }
    }

    #[test]
    fn a_colour_profile_does_not_come_along() {
        let picture = lossless(2, 2);
        let mut body = b"WEBP".to_vec();
        chunk(&mut body, b"ICCP", b"a profile");
        body.extend(&picture[12..]);
        let mut with_profile = Vec::new();
        chunk(&mut with_profile, b"RIFF", &body);
        let animation = |file| animate([2, 2], &[Frame { file, duration: 1 }]).unwrap();
        assert_eq!(animation(&with_profile), animation(&picture));
    }

    #[test]
    fn what_is_no_picture_of_the_size_is_refused() {
        let good = lossy(4, 4);
        let png = b"\x89PNG\r\n\x1a\n and so on".as_slice();
        let cut = &good[..good.len() - 3];
        for (size, files, named) in [
            ([4, 4], vec![], "at least one frame"),
            ([0, 4], vec![&good[..]], "0x4"),
            ([4, 5], vec![&good[..]], "a frame is 4x4 pixels, expected 4x5"),
            ([4, 4], vec![&good[..], png], "no WebP file"),
            ([4, 4], vec![cut], "are there"),
            ([4, 4], vec![&file(&[(b"EXIF", b"")])[..]], "no picture"),
        ] {
            let frames: Vec<_> = files.iter().map(|file| Frame { file, duration: 1 }).collect();
            let error = animate(size, &frames).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn every_cut_of_an_animation_is_an_error() {
        let animation = animate([4, 4], &[Frame { file: &lossy(4, 4), duration: 9 }]).unwrap();
        assert!(read(&animation).is_ok());
        for length in 0..animation.len() {
            assert!(read(&animation[..length]).is_err(), "cut after {length} bytes");
        }
        assert!(read(&lossy(4, 4)).is_err(), "a picture is no animation");
    }
}
