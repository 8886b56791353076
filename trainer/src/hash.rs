//! SHA-256 of bytes and files, in hexadecimal: what tells one file from another.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Of some bytes.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Of a file, without holding it in memory.
pub fn sha256_of_file(path: &Path) -> Result<String> {
    sha256_of_file_heard(path, &mut |_| {})
}

/// The same; `progress` hears of every so many bytes.
pub fn sha256_of_file_heard(path: &Path, progress: &mut dyn FnMut(u64)) -> Result<String> {
    let mut hash = || -> io::Result<String> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
        let mut hasher = Sha256::new();
        loop {
            let bytes = file.fill_buf()?;
            if bytes.is_empty() {
                return Ok(HEXLOWER.encode(&hasher.finalize()));
            }
            hasher.update(bytes);
            let taken = bytes.len();
            file.consume(taken);
            progress(taken as u64);
        }
    };
    hash().with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_hash_is_the_published_one_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        // The example of FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of_file(&path).unwrap(), expected);
        assert_eq!(sha256(b"abc"), expected);
    }
}
