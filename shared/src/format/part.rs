//! A file of the bundle: where it is, how long, and its hash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::field::Field;
use crate::{Error, Result};

/// The largest weights that are accepted, in bytes.
pub const WEIGHTS_LIMIT: u64 = 2 << 30;

/// The longest path of a part, in bytes.
const PATH_LIMIT: usize = 200;

/// What a hash that is none is answered with.
pub(super) const EXPECTED_SHA256: &str = "expected 64 lower-case hexadecimal digits";

/// A file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Name relative to `bundle.json`; never leaves its folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Part {
    /// Describes bytes that are to be found at `path`.
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), size: bytes.len() as u64, sha256: sha256(bytes) }
    }

    /// Refuses bytes that are not the ones described.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        let wrong = |reason| Err(Error::Format { what: self.path.clone(), reason });
        if bytes.len() as u64 != self.size {
            return wrong(format!(
                "is {} bytes long, bundle.json says {}: the download was cut short or the file replaced",
                bytes.len(),
                self.size
            ));
        }
        let found = sha256(bytes);
        if found != self.sha256 {
            return wrong(format!(
                "has sha256 {found}, bundle.json says {}: the file was damaged or replaced",
                self.sha256
            ));
        }
        Ok(())
    }

    /// Refuses a description that no checked `bundle.json` gives: a path that leaves the folder, a
    /// size of nothing or of more than any part may have, a hash that is none.
    ///
    /// [`super::bundle::Bundle::parse`] has checked its parts; this is for parts that come another way.
    ///
    /// # Errors
    /// Name the field.
    pub fn validate(&self) -> Result<()> {
        let wrong = |field: &str, reason: String| {
            Err(Error::Format { what: format!("part {:?}: {field}", self.path), reason })
        };
        if let Err(reason) = check_path(&self.path) {
            return wrong("path", reason);
        }
        if !(1..=WEIGHTS_LIMIT).contains(&self.size) {
            return wrong("size", format!("is {}, expected 1 to {WEIGHTS_LIMIT}", self.size));
        }
        if !is_sha256(&self.sha256) {
            return wrong("sha256", EXPECTED_SHA256.to_owned());
        }
        Ok(())
    }

    /// Reads a part of 1 to `limit` bytes.
    pub(in crate::format) fn read(field: &Field<'_>, limit: u64) -> Result<Self> {
        let path = field.get("path")?;
        let size = field.get("size")?;
        let sha256 = field.get("sha256")?;
        let part = Self {
            path: inner_path(&path)?.to_owned(),
            size: size.number(limit)?,
            sha256: sha256.text()?.to_owned(),
        };
        if part.size == 0 {
            return Err(size.wrong("is 0, expected at least 1"));
        }
        if !is_sha256(&part.sha256) {
            return Err(sha256.wrong(EXPECTED_SHA256));
        }
        Ok(part)
    }
}

/// A path that means the same file on every disk and in every address, inside the bundle's folder.
pub(super) fn inner_path<'a>(field: &Field<'a>) -> Result<&'a str> {
    let path = field.text()?;
    check_path(path).map_err(|reason| field.wrong(reason))?;
    Ok(path)
}

/// What is wrong with a path, if anything is.
///
/// Letters, digits, `-`, `_`, `.` and `/` only: what else there is means something to a shell, to
/// Windows or in an address (`%2e%2e` is `..` there).
fn check_path(path: &str) -> std::result::Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if path.is_empty() || PATH_LIMIT < path.len() {
        return Err(format!("expected 1 to {PATH_LIMIT} bytes, found {}", path.len()));
    }
    if !path.bytes().all(plain) {
        return Err(format!("{path:?} may hold only ASCII letters, digits, '-', '_', '.' and '/'"));
    }
    if path.split('/').any(|name| name.is_empty() || name.starts_with('.') || name.ends_with('.')) {
        return Err(format!(
            "{path:?} must stay inside the bundle: no leading or double '/', no name that begins \
             or ends with '.'"
        ));
    }
    if path == "bundle.json" {
        return Err("a part cannot be bundle.json itself".to_owned());
    }
    Ok(())
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
