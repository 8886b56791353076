//! Names of files as text: any can be printed, kept in a record, and found again.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A file's name with `\x1b` for a control character's byte, or one that is no UTF-8.
pub fn text(name: &OsStr) -> String {
    of_bytes(name.as_encoded_bytes())
}

/// As [`text`], of a name in an archive.
pub fn of_bytes(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    };
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                escape(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// The file in `folder` that goes by this text.
pub fn path(folder: &Path, text: &str) -> PathBuf {
    let as_written = folder.join(text);
    // A name may hold the very characters that stand for a byte.
    if !text.contains("\\x") || as_written.exists() {
        return as_written;
    }
    folder.join(from_bytes(bytes_of(text)))
}

fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.as_bytes());
        let digits = after.get(..2).filter(|two| two.bytes().all(|one| one.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.extend(b"\\x");
            rest = after;
        }
    }
    bytes.extend(rest.as_bytes());
    bytes
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// Elsewhere names are text to begin with.
#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_text_stays_as_it_is() {
        for name in ["cat.jpg", "Käse und 猫.png", r"a\b.gif"] {
            assert_eq!(text(OsStr::new(name)), name);
        }
    }

    #[test]
    fn bytes_that_would_reach_the_terminal_raw_are_spelt_out() {
        assert_eq!(of_bytes(b"red\x1b[31m.jpg"), r"red\x1b[31m.jpg");
        assert_eq!(of_bytes(b"\xff\xfe.jpg"), r"\xff\xfe.jpg");
        assert_eq!(bytes_of(r"\xff\xfe\x.jpg"), b"\xff\xfe\\x.jpg");
    }

    #[cfg(unix)]
    #[test]
    fn any_file_is_found_by_its_text() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"\xff.jpg"[..], b"new\nline.jpg", b"\\xff.png", b"cat.jpg"] {
            let file = folder.path().join(OsStr::from_bytes(name));
            std::fs::write(&file, "").unwrap();
            assert_eq!(path(folder.path(), &of_bytes(name)), file);
        }
    }
}
