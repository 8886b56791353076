//! JSON documents of a bundle: how they are read, written and versioned.

use serde::Serialize;
use serde_json::Value;

use super::field::Field;
use crate::{Error, Result};

/// Version written by this program: `[major, minor]`.
pub const SCHEMA: [u32; 2] = [2, 1];

/// The most values in a document.
pub(super) const VALUES_LIMIT: usize = 4_000_000;

/// The JSON document in a file of at most `limit` bytes.
pub fn parse_json(file: &str, bytes: &[u8], limit: usize) -> Result<Value> {
    let wrong = |reason| Error::Format { what: file.to_owned(), reason };
    if limit < bytes.len() {
        return Err(wrong(format!("{} bytes long, at most {limit} are read", bytes.len())));
    }
    // In memory a value takes some 32 bytes, in the text it may take two. Commas in texts are counted
    // too: that is near enough.
    let values = bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if VALUES_LIMIT < values {
        return Err(wrong(format!("has more than {VALUES_LIMIT} values")));
    }
    serde_json::from_slice(bytes).map_err(|error| wrong(format!("is no JSON: {error}")))
}

/// A document as it is written.
pub fn json_text(file: &str, value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Format { what: file.to_owned(), reason: error.to_string() })?;
    Ok(text + "\n")
}

/// The version of a document: one of this program's major version.
pub fn schema(field: &Field<'_>) -> Result<[u32; 2]> {
    let numbers = field.items(2)?;
    let [major, minor] = numbers.as_slice() else {
        return Err(field.wrong(format!("has {} numbers, expected [major, minor]", numbers.len())));
    };
    let version = |field: &Field<'_>| field.number(u64::from(u32::MAX)).map(|number| number as u32);
    let found = [version(major)?, version(minor)?];
    if found[0] != SCHEMA[0] {
        return Err(field.wrong(format!(
            "version {}.{} cannot be read here, only {}.x: open it with the Pellucid that made it, \
             or export it again",
            found[0], found[1], SCHEMA[0]
        )));
    }
    Ok(found)
}
