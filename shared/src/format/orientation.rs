//! How a picture file says that it is to be turned: EXIF's note in JPEG, PNG and WebP.
//!
//! Browsers follow the note in some formats and not in others, so the page takes it out of a file
//! before it is decoded, and turns the pixels as the command line does.

use std::ops::Range;

pub use ::image::metadata::Orientation;

/// How a file's pixels are to be turned; not at all where it does not say.
pub fn of(file: &[u8]) -> Orientation {
    exif_span(file)
        .and_then(|span| Orientation::from_exif_chunk(&file[span.exif]))
        .unwrap_or(Orientation::NoTransforms)
}

/// Takes the note out of a file, for a decoder that might follow it. The rest is left as it is.
pub fn take(file: &mut Vec<u8>) -> Orientation {
    let orientation = of(file);
    if orientation != Orientation::NoTransforms
        && let Some(span) = exif_span(file)
    {
        if let Some(all) = span.removable {
            file.drain(all);
        } else {
            let _ = Orientation::remove_from_exif_chunk(&mut file[span.exif]);
        }
    }
    orientation
}

/// Where EXIF stands in a file.
struct ExifSpan {
    exif: Range<usize>,
    /// The whole segment or chunk, where nothing else in the file depends on it.
    removable: Option<Range<usize>>,
}

fn exif_span(file: &[u8]) -> Option<ExifSpan> {
    match file {
        [0xff, 0xd8, ..] => in_jpeg(file),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => in_png(file),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => in_webp(file),
        _ => None,
    }
}

/// What stands before EXIF in JPEG, and in WebP files of some programs.
const HEADING: &[u8] = b"Exif\0\0";

/// Segments: `ff`, a kind, their length with its own two bytes.
fn in_jpeg(file: &[u8]) -> Option<ExifSpan> {
    const APP1: u8 = 0xe1;
    const START_OF_SCAN: u8 = 0xda;
    let mut start = 2;
    loop {
        let &[0xff, kind, high, low] = file.get(start..)?.first_chunk()? else { return None };
        if kind == 0xff {
            // Any number of them may fill the room before a segment.
            start += 1;
            continue;
        }
        let body = start + 4..start + 2 + usize::from(u16::from_be_bytes([high, low]));
        if kind == START_OF_SCAN {
            return None;
        }
        if kind == APP1 && file.get(body.clone())?.starts_with(HEADING) {
            let exif = body.start + HEADING.len()..body.end;
            return Some(ExifSpan { exif, removable: Some(start..body.end) });
        }
        start = body.end;
    }
}

/// Chunks: their length, a kind, so many bytes, a checksum.
fn in_png(file: &[u8]) -> Option<ExifSpan> {
    let mut start = 8;
    loop {
        let (length, rest) = file.get(start..)?.split_first_chunk()?;
        let exif = within(file, start + 8, u32::from_be_bytes(*length))?;
        let end = exif.end + 4;
        if rest.starts_with(b"eXIf") {
            return Some(ExifSpan { exif, removable: Some(start..end.min(file.len())) });
        }
        start = end;
    }
}

/// Chunks: a kind, their length, so many bytes, made even.
fn in_webp(file: &[u8]) -> Option<ExifSpan> {
    let mut start = 12;
    loop {
        let (kind, rest) = file.get(start..)?.split_first_chunk::<4>()?;
        let mut exif = within(file, start + 8, u32::from_le_bytes(*rest.first_chunk()?))?;
        start = exif.end.next_multiple_of(2);
        if kind == b"EXIF" {
            if file[exif.clone()].starts_with(HEADING) {
                exif.start += HEADING.len();
            }
            return Some(ExifSpan { exif, removable: None });
        }
    }
}

fn within(file: &[u8], start: usize, length: u32) -> Option<Range<usize>> {
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= file.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF with nothing but a note.
    fn exif(note: u8) -> Vec<u8> {
        let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([note, 0, 0, 0, 0, 0, 0]);
        exif
    }

    fn jpeg(note: u8) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xe1, 0, 34];
        file.extend(HEADING);
        file.extend(exif(note));
        file.extend([0xff, 0xda, 0, 2, 7, 7]);
        file
    }

    fn png(note: u8) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x01IDATx....\0\0\0\x1aeXIf".to_vec();
        file.extend(exif(note));
        file.extend(b"....\0\0\0\0IEND....");
        file
    }

    fn webp(note: u8, heading: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF....WEBPVP8 \x03\0\0\0xyz_EXIF".to_vec();
        file.extend((heading.len() as u32 + 26).to_le_bytes());
        file.extend(heading);
        file.extend(exif(note));
        file
    }

    #[test]
    fn a_note_is_found_in_every_format_and_taken_out() {
        for note in 1..=8 {
            let expected = Orientation::from_exif(note).unwrap();
            let files = [jpeg(note), png(note), webp(note, b""), webp(note, HEADING)];
            for mut file in files {
                assert_eq!(of(&file), expected, "{file:?}");
                assert_eq!(take(&mut file), expected);
                assert_eq!(of(&file), Orientation::NoTransforms, "{file:?}");
            }
        }
    }

    #[test]
    fn what_is_no_note_stays_in_the_file() {
        let mut plain = png(6);
        take(&mut plain);
        assert_eq!(plain, b"\x89PNG\r\n\x1a\n\0\0\0\x01IDATx....\0\0\0\0IEND....");
        let mut upright = jpeg(1);
        take(&mut upright);
        assert_eq!(upright, jpeg(1));
        let unchanged = webp(6, b"");
        let (length, mut webp) = (unchanged.len(), unchanged.clone());
        take(&mut webp);
        assert_eq!((webp.len(), &webp[..30]), (length, &unchanged[..30]));
    }

    #[test]
    fn files_that_end_anywhere_or_lie_about_lengths_have_no_note() {
        for file in [jpeg(6), png(6), webp(6, HEADING)] {
            for end in 0..file.len() {
                let mut cut = file[..end].to_vec();
                take(&mut cut);
            }
            let mut wrong = file.clone();
            for place in 0..file.len() {
                wrong[place] ^= 0xff;
                of(&wrong);
                wrong[place] ^= 0xff;
            }
        }
        assert_eq!(of(b"GIF89a"), Orientation::NoTransforms);
    }
}
