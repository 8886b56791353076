//! `store.json`: what all of a store is.

use serde::Serialize;

use super::super::document::{json_text, parse_json};
use super::super::field::Field;
use super::super::part::{EXPECTED_SHA256, is_sha256};
use super::layout::Layout;
use crate::Result;
use crate::preprocess::Preprocessing;

/// What the file calls itself.
const FORMAT: &str = "pellucid activations";

/// Version written by this program: `[major, minor]`.
const VERSION: [u32; 2] = [1, 0];

/// The largest `store.json`, in bytes.
pub const STORE_LIMIT: usize = 1 << 20;

/// The longest name of a model, in characters.
const MODEL_LIMIT: usize = 200;

/// The longest side of a picture that a network sees.
const SIDE_LIMIT: usize = 1 << 16;

/// The name of the file, beside the folder of the shards.
const FILE: &str = "store.json";

/// What a store is: it depends on nothing but the job, so that whoever does it writes the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Whose activations these are, of which pictures.
    pub named: Named,
    /// Where in the store they lie.
    pub layout: Layout,
}

/// Whose activations a store holds, of which pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    /// The model's name in the registry.
    pub model: String,
    /// Of its weights file, hexadecimal.
    pub weights_sha256: String,
    /// How pictures became its input.
    pub preprocessing: Preprocessing,
    /// Of the names and sizes of all pictures, hexadecimal.
    pub pictures_sha256: String,
    /// Of the list that labels come from, where there is one, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub titles_sha256: Option<String>,
}

/// The document, field by field.
#[derive(Serialize)]
struct Document<'a> {
    format: &'a str,
    version: [u32; 2],
    #[serde(flatten)]
    named: &'a Named,
    #[serde(flatten)]
    layout: &'a Layout,
}

impl Description {
    /// Its bytes.
    pub fn to_json(&self) -> Result<String> {
        let Self { named, layout } = self;
        json_text(FILE, &Document { format: FORMAT, version: VERSION, named, layout })
    }

    /// Reads and checks it.
    ///
    /// # Errors
    /// Name the field.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = parse_json(FILE, bytes, STORE_LIMIT)?;
        let root = Field::root(FILE, &value);
        let format = root.get("format")?;
        if format.text()? != FORMAT {
            return Err(format.wrong(format!("expected {FORMAT:?}")));
        }
        check_version(&root.get("version")?)?;
        let titles = root.optional("titles_sha256")?;
        let named = Named {
            model: root.get("model")?.short_text(MODEL_LIMIT)?.to_owned(),
            weights_sha256: sha256(&root.get("weights_sha256")?)?,
            preprocessing: preprocessing(&root.get("preprocessing")?)?,
            pictures_sha256: sha256(&root.get("pictures_sha256")?)?,
            titles_sha256: titles.map(|field| sha256(&field)).transpose()?,
        };
        Ok(Self { named, layout: Layout::read(&root)? })
    }
}

/// Numbers that mean something: a picture of some size, finite factors.
fn preprocessing(field: &Field<'_>) -> Result<Preprocessing> {
    let found: Preprocessing = field.parsed()?;
    let sides = [found.crop, found.resize.side()];
    if sides.iter().any(|side| !(1..=SIDE_LIMIT).contains(side)) {
        return Err(field.wrong(format!("has a side that is not 1 to {SIDE_LIMIT}")));
    }
    if !found.scale.iter().chain(&found.offset).all(|number| number.is_finite()) {
        return Err(field.wrong("has a number that is not finite"));
    }
    Ok(found)
}

fn check_version(field: &Field<'_>) -> Result<()> {
    let numbers = field.items(2)?;
    let [major, minor] = numbers.as_slice() else {
        return Err(field.wrong(format!("has {} numbers, expected [major, minor]", numbers.len())));
    };
    let [major, minor] = [major.number(u64::from(u32::MAX))?, minor.number(u64::from(u32::MAX))?];
    if major != u64::from(VERSION[0]) {
        return Err(field.wrong(format!(
            "version {major}.{minor} cannot be read here, only {}.x: \
             open it with the Pellucid that made it",
            VERSION[0]
        )));
    }
    Ok(())
}

pub(super) fn sha256(field: &Field<'_>) -> Result<String> {
    let text = field.text()?;
    if is_sha256(text) { Ok(text.to_owned()) } else { Err(field.wrong(EXPECTED_SHA256)) }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::super::layout::{Array, Dtype, TokenKind};
    use super::*;
    use crate::models;

    pub fn description() -> Description {
        let array = Array {
            layers: vec!["mixed4a".to_owned(), "mixed4b".to_owned()],
            channels: 512,
            tokens: 196,
            extra: 0,
            grid: Some([14, 14]),
        };
        let named = Named {
            model: "googlenet".to_owned(),
            weights_sha256: "ab".repeat(32),
            preprocessing: models::info("googlenet").unwrap().preprocessing,
            pictures_sha256: "cd".repeat(32),
            titles_sha256: None,
        };
        let layout = Layout {
            examples: 700,
            tokens: TokenKind::Patches,
            dtype: Dtype::F16,
            examples_per_shard: 256,
            arrays: vec![array],
        };
        Description { named, layout }
    }

    fn value() -> Value {
        serde_json::from_str(&description().to_json().unwrap()).unwrap()
    }

    /// What is said of a description in which one value is another.
    fn refused(pointer: &str, other: Value) -> String {
        let mut value = value();
        *value.pointer_mut(pointer).unwrap() = other;
        Description::parse(value.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_description_is_read_as_it_was_written() {
        let text = description().to_json().unwrap();
        assert_eq!(Description::parse(text.as_bytes()).unwrap(), description());
        let fields = [
            "format",
            "version",
            "model",
            "weights_sha256",
            "preprocessing",
            "pictures_sha256",
            "examples",
            "tokens",
            "dtype",
            "examples_per_shard",
            "arrays",
        ];
        let value = value();
        assert_eq!(value.as_object().unwrap().len(), fields.len());
        assert!(fields.iter().all(|field| value.get(field).is_some()));
        assert_eq!((&value["tokens"], &value["dtype"]), (&json!("patches"), &json!("f16")));
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let cases: [(&str, Value, &str); 19] = [
            ("/format", json!("other"), "store.json: format"),
            ("/version", json!([2, 0]), "version 2.0 cannot be read here"),
            ("/version", json!([1]), "[major, minor]"),
            ("/model", json!("a\nb"), "store.json: model"),
            ("/weights_sha256", json!("AB"), "store.json: weights_sha256"),
            ("/pictures_sha256", json!(7), "store.json: pictures_sha256"),
            ("/preprocessing/crop", json!(0), "store.json: preprocessing: has a side"),
            ("/preprocessing/scale/0", json!(1e300), "preprocessing: has a number"),
            ("/examples", json!(0), "store.json: examples"),
            ("/examples", json!(1_u64 << 41), "store.json: examples"),
            ("/examples_per_shard", json!(65537), "store.json: examples_per_shard"),
            ("/dtype", json!("f64"), "store.json: dtype"),
            ("/tokens", json!("registers"), "store.json: tokens"),
            ("/tokens", json!("cls"), "arrays[0]: its extra and grid do not go with \"cls\""),
            ("/arrays", json!([]), "0 layers"),
            ("/arrays/0/layers", json!([]), "arrays[0].layers: has no layer"),
            ("/arrays/0/layers", json!(["a", "a"]), "\"a\" twice"),
            ("/arrays/0/tokens", json!(195), "arrays[0].tokens: is 195, expected 196"),
            ("/arrays/0/grid", json!([14]), "arrays[0].grid"),
        ];
        for (pointer, other, said) in cases {
            let error = refused(pointer, other.clone());
            assert!(error.contains(said), "{pointer} {other}: {error}");
        }
        let huge = refused("/arrays/0/grid", json!([1 << 20, 1 << 20]));
        assert!(huge.contains("tokens: is 196"), "{huge}");
        let mut missing = value();
        missing.as_object_mut().unwrap().remove("arrays");
        let error = Description::parse(missing.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("\"arrays\" is missing"), "{error}");
    }
}
