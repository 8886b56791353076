//! What a file is, by its first bytes: its name and the type a browser gives it only repeat what
//! somebody called it.

/// Bytes from the start of a file that tell what it is.
pub const TELLING: usize = 512;

/// What a file is that is no picture, or no picture for browsers; nothing if its bytes do not say.
pub fn other_than_picture(start: &[u8]) -> Option<&'static str> {
    let text =
        String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    let begins = |magic: &[u8]| start.starts_with(magic);
    let kind = match start {
        [] => "an empty file",
        _ if begins(b"%PDF") => "a PDF document",
        _ if begins(b"PK\x03\x04") => "a zip archive, as documents of office programs are too",
        _ if begins(b"\x1f\x8b") => "a gzip archive",
        _ if begins(b"Rar!") || begins(b"7z\xbc\xaf") => "an archive",
        _ if begins(b"8BPS") => "a Photoshop document",
        _ if begins(b"II*\0") || begins(b"MM\0*") => "a TIFF or camera's raw picture",
        _ if begins(b"version https://git-lfs") => {
            "a Git LFS pointer, which stands for a file that was not fetched"
        }
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => of_brand(brand.get(..4)?)?,
        _ if begins(b"\x1aE\xdf\xa3") => "a video",
        _ if begins(b"ID3") || begins(b"OggS") || begins(b"fLaC") => "a sound",
        _ if text.starts_with("<!doctype html") || text.starts_with("<html") => "a web page",
        _ if text.starts_with("<svg") || text.starts_with("<?xml") => {
            "a drawing or another XML text"
        }
        _ if is_text(start) => "a text",
        _ => return None,
    };
    Some(kind)
}

/// Files of boxes say in their first what they are for.
fn of_brand(brand: &[u8]) -> Option<&'static str> {
    match brand {
        b"avif" | b"avis" => None,
        b"heic" | b"heix" | b"mif1" | b"msf1" | b"hevc" => {
            Some("a HEIC picture, which few browsers read")
        }
        _ => Some("a video"),
    }
}

fn is_text(start: &[u8]) -> bool {
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    start.iter().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        for (start, said) in [
            (&b"%PDF-1.7"[..], "a PDF document"),
            (b"", "an empty file"),
            (b"no picture at all", "a text"),
            (b"\n <!DOCTYPE html><title>404", "a web page"),
            (b"\0\0\0\x18ftypheic", "a HEIC picture, which few browsers read"),
            (b"\0\0\0\x18ftypisom", "a video"),
            (b"II*\0", "a TIFF or camera's raw picture"),
        ] {
            assert_eq!(other_than_picture(start), Some(said));
        }
        let pointer = other_than_picture(b"version https://git-lfs.github.com/spec/v1\noid");
        assert!(pointer.is_some_and(|said| said.contains("Git LFS")));
    }

    #[test]
    fn a_picture_is_none_of_these() {
        for start in [
            &b"\xff\xd8\xff\xe0\0\x10JFIF"[..],
            b"\x89PNG\r\n\x1a\n",
            b"RIFF\x10\0\0\0WEBPVP8 ",
            b"GIF89a\x01\0\x01\0",
            b"\0\0\0\x1cftypavif",
            b"\0\0\0\x1cftyp",
        ] {
            assert_eq!(other_than_picture(start), None, "{start:?}");
        }
    }
}
