//! What the page opens: `bundle.json` and the parts it names. `docs/bundle.md` is normative.
//!
//! Everything in a bundle is untrusted. [`Bundle::parse`] checks every field before anything is
//! allocated or fetched by it, [`Part::check`] every part's bytes, [`labels_from_bytes`] the labels.

mod field;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::format::bundle::field::Field;
use crate::models::{self, ModelInfo};
use crate::preprocess::Preprocessing;
use crate::{Error, Result};

/// Version written by this program: `[major, minor]`.
pub const SCHEMA: [u32; 2] = [1, 0];

/// The longest `bundle.json` that is read, in bytes.
pub const MANIFEST_LIMIT: usize = 4 << 20;

/// The largest weights that are accepted, in bytes.
pub const WEIGHTS_LIMIT: u64 = 2 << 30;

/// The largest list of labels that is accepted, in bytes.
pub const LABELS_LIMIT: u64 = 4 << 20;

/// The longest path of a part, in bytes.
const PATH_LIMIT: usize = 200;

/// The longest label, in characters.
const LABEL_LIMIT: usize = 500;

/// `bundle.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bundle {
    /// `[major, minor]`; a reader refuses another major version and accepts a later minor one.
    pub schema: [u32; 2],
    /// A name from the model registry: `googlenet`.
    pub model: String,
    /// How pictures become the model's input, the same as the registry's.
    pub preprocessing: Preprocessing,
    /// The weights, safetensors.
    pub weights: Part,
    /// Class labels, one a line, in the order of the logits.
    pub labels: Part,
}

/// A file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Name relative to `bundle.json`; never leaves its folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl Bundle {
    /// A bundle of this version for a model of the registry.
    pub fn new(info: &ModelInfo, weights: Part, labels: Part) -> Self {
        let preprocessing = info.preprocessing.clone();
        Self { schema: SCHEMA, model: info.name.to_owned(), preprocessing, weights, labels }
    }

    /// Reads and checks `bundle.json`. Fields it does not know belong to a later minor version.
    ///
    /// # Errors
    /// Name the field, say what was found and what can stand there.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if MANIFEST_LIMIT < bytes.len() {
            let reason = format!("{} bytes long, at most {MANIFEST_LIMIT} are read", bytes.len());
            return Err(Error::Format { what: "bundle.json".to_owned(), reason });
        }
        let value = serde_json::from_slice(bytes).map_err(|error| Error::Format {
            what: "bundle.json".to_owned(),
            reason: format!("is no JSON: {error}"),
        })?;
        let root = Field::root("bundle.json", &value);
        // First, because everything else may mean something different in another version.
        let schema = schema(&root.get("schema")?)?;
        let model = root.get("model")?;
        let info = models::info(model.text()?).map_err(|error| model.wrong(error))?;
        let preprocessing = preprocessing(&root.get("preprocessing")?, &info)?;
        let weights = part(&root.get("weights")?, WEIGHTS_LIMIT)?;
        let labels = part(&root.get("labels")?, LABELS_LIMIT)?;
        if weights.path == labels.path {
            let clash = root.get("labels")?.get("path")?;
            return Err(
                clash.wrong(format!("{:?} is the path of the weights already", labels.path))
            );
        }
        Ok(Self { schema, model: info.name.to_owned(), preprocessing, weights, labels })
    }

    /// The text of `bundle.json`.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Format {
            what: "bundle.json".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(text + "\n")
    }
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
}

/// The labels in a part: UTF-8, one for each class, one a line.
pub fn labels_from_bytes(bytes: &[u8], n_classes: usize) -> Result<Vec<String>> {
    let wrong = |reason| Error::Format { what: "labels".to_owned(), reason };
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(format!("no UTF-8: {error}")))?;
    let labels: Vec<String> = text.lines().map(str::to_owned).collect();
    if labels.len() != n_classes {
        return Err(wrong(format!("{} lines for a model of {n_classes} classes", labels.len())));
    }
    for (class, label) in labels.iter().enumerate() {
        let line = class + 1;
        if label.is_empty() || LABEL_LIMIT < label.chars().count() {
            return Err(wrong(format!(
                "line {line} is empty or longer than {LABEL_LIMIT} characters"
            )));
        }
        if label.chars().any(char::is_control) {
            return Err(wrong(format!("line {line} holds a control character")));
        }
    }
    Ok(labels)
}

/// The text of the labels part.
pub fn labels_to_text(labels: &[String]) -> String {
    labels.iter().flat_map(|label| [label.as_str(), "\n"]).collect()
}

fn schema(field: &Field<'_>) -> Result<[u32; 2]> {
    let numbers = field.items()?;
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

fn preprocessing(field: &Field<'_>, info: &ModelInfo) -> Result<Preprocessing> {
    let found: Preprocessing = field.parsed()?;
    // Two sources that could differ would give pictures the network was never trained on.
    if found != info.preprocessing {
        return Err(field.wrong(format!(
            "differs from what {} is built for: was this bundle exported for another variant?",
            info.name
        )));
    }
    Ok(found)
}

fn part(field: &Field<'_>, limit: u64) -> Result<Part> {
    let path = field.get("path")?;
    let size = field.get("size")?;
    let sha256 = field.get("sha256")?;
    let part = Part {
        path: inner_path(&path)?.to_owned(),
        size: size.number(limit)?,
        sha256: sha256.text()?.to_owned(),
    };
    if part.size == 0 {
        return Err(size.wrong("is 0, expected at least 1"));
    }
    let is_hash = part.sha256.len() == 64
        && part.sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        return Err(sha256.wrong("expected 64 lower-case hexadecimal digits"));
    }
    Ok(part)
}

/// A path that means the same file on every disk and in every address, inside the bundle's folder.
///
/// Letters, digits, `-`, `_`, `.` and `/` only: what else there is means something to a shell, to
/// Windows or in an address (`%2e%2e` is `..` there).
fn inner_path<'a>(field: &Field<'a>) -> Result<&'a str> {
    let path = field.text()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    if path.is_empty() || PATH_LIMIT < path.len() {
        return Err(field.wrong(format!("expected 1 to {PATH_LIMIT} bytes, found {}", path.len())));
    }
    if !path.bytes().all(plain) {
        return Err(field.wrong(format!(
            "{path:?} may hold only ASCII letters, digits, '-', '_', '.' and '/'"
        )));
    }
    if path.split('/').any(|name| name.is_empty() || name.starts_with('.') || name.ends_with('.')) {
        return Err(field.wrong(format!(
            "{path:?} must stay inside the bundle: no leading or double '/', no name that begins \
             or ends with '.'"
        )));
    }
    if path == "bundle.json" {
        return Err(field.wrong("a part cannot be bundle.json itself"));
    }
    Ok(path)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        let info = models::info("googlenet").unwrap();
        let weights = Part::of("weights.safetensors", b"weights");
        let bundle = Bundle::new(&info, weights, Part::of("labels.txt", b"tench\n"));
        serde_json::from_str(&bundle.to_json().unwrap()).unwrap()
    }

    fn parse(value: &Value) -> Result<Bundle> {
        Bundle::parse(value.to_string().as_bytes())
    }

    /// Parses a good bundle with one field replaced.
    fn with(pointer: &str, value: Value) -> Result<Bundle> {
        let mut bundle = good();
        *bundle.pointer_mut(pointer).unwrap() = value;
        parse(&bundle)
    }

    #[test]
    fn what_is_written_is_read_back() {
        for info in models::registry() {
            let parts =
                ["a/weights.safetensors", "labels.txt"].map(|path| Part::of(path, b"bytes"));
            let [weights, labels] = parts;
            let bundle = Bundle::new(&info, weights, labels);
            assert_eq!(Bundle::parse(bundle.to_json().unwrap().as_bytes()).unwrap(), bundle);
        }
    }

    #[test]
    fn a_later_minor_version_opens_with_fields_nobody_knows_yet() {
        let mut bundle = good();
        bundle["schema"] = json!([1, 7]);
        bundle["gallery"] = json!({ "sprites": [] });
        assert_eq!(parse(&bundle).unwrap().schema, [1, 7]);
    }

    #[test]
    fn another_major_version_is_refused_whatever_else_it_holds() {
        let error = Bundle::parse(br#"{"schema": [2, 0]}"#).unwrap_err().to_string();
        assert!(error.contains("bundle.json: schema") && error.contains("2.0"), "{error}");
    }

    #[test]
    fn every_field_is_missed_by_name() {
        for field in ["schema", "model", "preprocessing", "weights", "labels"] {
            let mut bundle = good();
            bundle.as_object_mut().unwrap().remove(field);
            let error = parse(&bundle).unwrap_err().to_string();
            assert!(error.contains("bundle.json") && error.contains(field), "{error}");
        }
        for part in ["weights", "labels"] {
            for field in ["path", "size", "sha256"] {
                let mut bundle = good();
                bundle[part].as_object_mut().unwrap().remove(field);
                let error = parse(&bundle).unwrap_err().to_string();
                assert!(error.contains(part) && error.contains(field), "{error}");
            }
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = [
            ("/schema", json!("1.0")),
            ("/schema", json!([1])),
            ("/schema", json!([1, -1])),
            ("/model", json!("alexnet")),
            ("/model", json!(7)),
            ("/preprocessing", json!({})),
            ("/preprocessing/scale", json!([1.0, 1.0, 1.0])),
            ("/weights", json!([])),
            ("/weights/size", json!(0)),
            ("/weights/size", json!(-1)),
            ("/weights/size", json!(1.5)),
            ("/weights/size", json!(WEIGHTS_LIMIT + 1)),
            ("/weights/size", json!(1e300)),
            ("/weights/sha256", json!("")),
            ("/weights/sha256", json!("g".repeat(64))),
            ("/weights/sha256", json!("A".repeat(64))),
            ("/weights/sha256", json!("a".repeat(65))),
            ("/labels/size", json!(LABELS_LIMIT + 1)),
            ("/labels/path", json!("weights.safetensors")),
        ];
        for (pointer, value) in wrong {
            let error = with(pointer, value.clone()).unwrap_err().to_string();
            let top = pointer.split('/').nth(1).unwrap();
            assert!(error.starts_with("bundle.json") && error.contains(top), "{value}: {error}");
        }
    }

    #[test]
    fn no_path_leaves_the_folder() {
        let escapes = [
            "",
            "/etc/passwd",
            "..",
            "../weights",
            "a/../../b",
            "a//b",
            "./a",
            "a/.",
            "a/..",
            ".hidden",
            "a\\b",
            "..\\b",
            "C:/b",
            "c:b",
            "https://example.org/a",
            "//example.org/a",
            "%2e%2e/a",
            "a?b",
            "a#b",
            "a b",
            "a\0b",
            "ä",
            "a/",
            "trailing.",
            "bundle.json",
        ];
        for path in escapes {
            let error = with("/weights/path", json!(path)).unwrap_err().to_string();
            assert!(error.contains("weights.path"), "{path:?}: {error}");
        }
        assert!(with("/weights/path", json!("a".repeat(PATH_LIMIT + 1))).is_err());
        for path in ["weights.safetensors", "deep/er/we-ights_1.f16.safetensors"] {
            assert!(with("/weights/path", json!(path)).is_ok(), "{path}");
        }
    }

    #[test]
    fn prose_nesting_and_size_are_no_danger() {
        for bytes in [&b""[..], b"<html>", b"[]", b"null", b"\xff\xfe", b"{\"schema\": [1, 0]"] {
            assert!(Bundle::parse(bytes).is_err());
        }
        assert!(Bundle::parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(Bundle::parse(&vec![b' '; MANIFEST_LIMIT + 1]).is_err());
    }

    #[test]
    fn a_part_with_a_byte_missing_or_changed_is_refused() {
        let part = Part::of("weights.safetensors", b"weights");
        part.check(b"weights").unwrap();
        let short = part.check(b"weight").unwrap_err().to_string();
        assert!(short.contains("weights.safetensors") && short.contains('6'), "{short}");
        let changed = part.check(b"Weights").unwrap_err().to_string();
        assert!(changed.contains("sha256"), "{changed}");
    }

    #[test]
    fn labels_are_one_a_class() {
        let labels: Vec<_> = ["tench, Tinca tinca", "goldfish"].map(str::to_owned).into();
        let text = labels_to_text(&labels);
        assert_eq!(labels_from_bytes(text.as_bytes(), 2).unwrap(), labels);
        assert!(labels_from_bytes(text.as_bytes(), 3).is_err());
        assert!(labels_from_bytes(b"tench\n\n", 2).is_err());
        assert!(labels_from_bytes(b"tench\x1b[2J\ngoldfish\n", 2).is_err());
        assert!(labels_from_bytes(b"\xff\ngoldfish\n", 2).is_err());
    }
}
