//! Activations as saev keeps them: `metadata.json`, `shards.json`, `acts000000.bin`, ..
//!
//! Protocol 2.1 is read and written; 1.0.0, 1.1 and 2.0, which call the same things otherwise, are
//! read. What is said here is what saev's own code does (github.com/OSU-NLP-Group/saev, March
//! 2026), which is not always what its documents say.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::document::parse_json;
use super::super::field::Field;
use super::description::Description;
use super::layout::{Array, Dtype, Layout, TokenKind};
use crate::{Error, Result};

/// The name of the description.
pub const METADATA: &str = "metadata.json";

/// The name of the list of files.
pub const SHARDS: &str = "shards.json";

/// The largest `metadata.json` that is read, in bytes.
pub const METADATA_LIMIT: usize = 4 << 20;

/// The largest `shards.json` that is read, in bytes.
pub const SHARDS_LIMIT: usize = 64 << 20;

/// The protocol that is written.
const PROTOCOL: &str = "2.1";

/// Every protocol that is read.
const PROTOCOLS: [&str; 4] = ["1.0.0", "1.1", "2.0", PROTOCOL];

/// What the same field is called: now, in between, and at first.
type Called = [&'static str; 3];
const FAMILY: Called = ["family", "family", "vit_family"];
const CKPT: Called = ["ckpt", "ckpt", "vit_ckpt"];
const CONTENT: Called = ["content_tokens_per_example", "patches_per_ex", "n_patches_per_img"];
const D_MODEL: Called = ["d_model", "d_model", "d_vit"];
const EXAMPLES: Called = ["n_examples", "n_ex", "n_imgs"];
const MOST_TOKENS: Called = ["max_tokens_per_shard", "patches_per_shard", "max_patches_per_shard"];

const NUMBER_LIMIT: u64 = 1 << 40;
const AXIS_LIMIT: u64 = 1 << 20;
const LAYERS_LIMIT: usize = 1000;

/// `metadata.json`, by the names of protocol 2.1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metadata {
    /// The kind of transformer: one of a fixed list.
    pub family: String,
    /// Which one.
    pub ckpt: String,
    /// Numbers of blocks; negative ones count from the end.
    pub layers: Vec<i64>,
    /// Places of an example.
    pub content_tokens_per_example: usize,
    /// Whether a class token is before them.
    pub cls_token: bool,
    /// Channels of every layer.
    pub d_model: usize,
    /// How many examples there are.
    pub n_examples: u64,
    /// What decides how many of them go into a file.
    pub max_tokens_per_shard: u64,
    /// How saev found its pictures: a pickle in base64, which is never opened here; an object
    /// before protocol 2.1.
    pub data: Value,
    /// Where its pictures were.
    pub dataset: String,
    /// How labels of pixels became those of places.
    pub pixel_agg: Value,
    /// How numbers are stored: `float32`.
    pub dtype: String,
    /// The version of all this.
    pub protocol: String,
}

impl Metadata {
    /// Reads and checks it.
    ///
    /// # Errors
    /// Name the field.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = parse_json(METADATA, bytes, METADATA_LIMIT)?;
        let root = Field::root(METADATA, &value);
        // The first of all had no such field.
        let protocol = match root.optional("protocol")? {
            Some(protocol) => protocol.text()?.to_owned(),
            None => PROTOCOLS[0].to_owned(),
        };
        if !PROTOCOLS.contains(&protocol.as_str()) {
            let known = PROTOCOLS.join(", ");
            return Err(root.get("protocol")?.wrong(format!("is {protocol:?}, expected {known}")));
        }
        let dtype = match root.optional("dtype")? {
            Some(dtype) if dtype.text()? != "float32" => {
                return Err(dtype.wrong("expected \"float32\""));
            }
            _ => "float32".to_owned(),
        };
        let listed = root.get("layers")?;
        let layers =
            listed.items(LAYERS_LIMIT)?.iter().map(Field::parsed).collect::<Result<_>>()?;
        let whole = |field: Option<Field<'_>>| -> Result<Value> {
            field.map_or(Ok(Value::Null), |field| field.parsed())
        };
        let metadata = Self {
            family: any(&root, FAMILY)?.text()?.to_owned(),
            ckpt: any(&root, CKPT)?.text()?.to_owned(),
            layers,
            content_tokens_per_example: any(&root, CONTENT)?.number(AXIS_LIMIT)? as usize,
            cls_token: root.get("cls_token")?.parsed()?,
            d_model: any(&root, D_MODEL)?.positive(AXIS_LIMIT)?,
            n_examples: any(&root, EXAMPLES)?.positive(NUMBER_LIMIT)? as u64,
            max_tokens_per_shard: any(&root, MOST_TOKENS)?.positive(NUMBER_LIMIT)? as u64,
            data: whole(root.optional("data")?)?,
            dataset: root.optional("dataset")?.map_or(Ok(""), |field| field.text())?.to_owned(),
            pixel_agg: whole(root.optional("pixel_agg")?)?,
            dtype,
            protocol,
        };
        if metadata.examples_per_shard() == 0 {
            let reason = "not one example fits into a file";
            return Err(any(&root, MOST_TOKENS)?.wrong(reason));
        }
        metadata.layout().check().map_err(|reason| root.wrong(reason))?;
        Ok(metadata)
    }

    /// That of a store, of which `examples` pictures could be read.
    ///
    /// # Errors
    /// What saev has no words for: layers of several shapes, or other than blocks.
    pub fn of(store: &Description, examples: u64) -> Result<Self> {
        let layout = &store.layout;
        let wrong = |reason: String| Error::Format { what: "saev's shards".to_owned(), reason };
        let [array] = layout.arrays.as_slice() else {
            return Err(wrong(format!(
                "the layers are of {} shapes, and there they must all be of one",
                layout.arrays.len()
            )));
        };
        let block = |name: &String| {
            let number = name.strip_prefix("blocks.").and_then(|number| number.parse().ok());
            number.ok_or_else(|| wrong(format!("{name} is none of a transformer's blocks")))
        };
        const FAMILIES: [&str; 4] = ["clip", "dinov2", "dinov3", "siglip"];
        let model = &store.named.model;
        let family = FAMILIES.iter().find(|&&family| model.starts_with(family));
        let cls_token = 0 < array.extra;
        let content_tokens_per_example = array.tokens - array.extra;
        let tokens = content_tokens_per_example + usize::from(cls_token);
        Ok(Self {
            family: family.unwrap_or(&"fake-clip").to_string(),
            ckpt: model.clone(),
            layers: array.layers.iter().map(block).collect::<Result<_>>()?,
            content_tokens_per_example,
            cls_token,
            d_model: array.channels,
            n_examples: examples,
            max_tokens_per_shard: layout.examples_per_shard * (tokens * array.layers.len()) as u64,
            data: String::new().into(),
            dataset: "/".to_owned(),
            pixel_agg: Value::Null,
            dtype: "float32".to_owned(),
            protocol: PROTOCOL.to_owned(),
        })
    }

    /// The name of its folder: the first 8 hexadecimal digits of the SHA-256 of its JSON, without
    /// spaces, its fields in this order. saev asks its library to sort them, which that does not do
    /// with the fields of a class.
    pub fn hash(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|error| Error::Format {
            what: METADATA.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect())
    }

    /// How many examples a file has room for.
    pub fn examples_per_shard(&self) -> u64 {
        let tokens = self.content_tokens_per_example + usize::from(self.cls_token);
        let per_example = (tokens * self.layers.len()) as u64;
        self.max_tokens_per_shard.checked_div(per_example).unwrap_or(0)
    }

    /// Where numbers lie. Rows and columns of places are not recorded: a square number of them is
    /// taken for a square, another for a row.
    pub fn layout(&self) -> Layout {
        let content = self.content_tokens_per_example;
        let (kind, grid) = match (content, self.cls_token) {
            (0, _) => (TokenKind::Cls, None),
            (_, true) => (TokenKind::All, Some(grid_of(content))),
            (_, false) => (TokenKind::Patches, Some(grid_of(content))),
        };
        let extra = usize::from(self.cls_token);
        let array = Array {
            layers: self.layers.iter().map(|layer| format!("blocks.{layer}")).collect(),
            channels: self.d_model,
            tokens: content + extra,
            extra,
            grid,
        };
        Layout {
            examples: self.n_examples,
            tokens: kind,
            dtype: Dtype::F32,
            examples_per_shard: self.examples_per_shard(),
            arrays: vec![array],
        }
    }
}

fn grid_of(places: usize) -> [usize; 2] {
    let side = places.isqrt();
    if side * side == places { [side, side] } else { [1, places] }
}

/// A field by any of its names.
fn any<'a>(root: &Field<'a>, called: Called) -> Result<Field<'a>> {
    for name in called {
        if let Some(field) = root.optional(name)? {
            return Ok(field);
        }
    }
    root.get(called[0])
}

/// The name of a file of numbers.
pub fn data_name(shard: u64) -> String {
    format!("acts{shard:06}.bin")
}

/// An entry of `shards.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The file.
    pub name: String,
    /// How many of the examples it has room for are in it.
    pub n_examples: u64,
}

/// What `shards.json` says of a store that is whole.
pub fn list(layout: &Layout) -> Vec<Listed> {
    let listed = |shard| {
        let examples = layout.shard_examples(shard);
        Listed { name: data_name(shard), n_examples: examples.end - examples.start }
    };
    (0..layout.shards()).map(listed).collect()
}

/// Holds a `shards.json` to its store.
///
/// # Errors
/// It lists other files than the store has, or other numbers of examples in them. An empty one at
/// the end is as saev writes it where examples fill the last file exactly.
pub fn check_list(bytes: &[u8], layout: &Layout) -> Result<()> {
    let value = parse_json(SHARDS, bytes, SHARDS_LIMIT)?;
    let root = Field::root(SHARDS, &value);
    let mut entries = root.items(super::super::document::VALUES_LIMIT)?;
    if let Some(last) = entries.last()
        && any(last, EXAMPLES)?.number(NUMBER_LIMIT)? == 0
    {
        entries.pop();
    }
    let shards = layout.shards();
    if entries.len() as u64 != shards {
        let found = entries.len();
        return Err(root.wrong(format!("has {found} files with examples, expected {shards}")));
    }
    for (entry, shard) in entries.iter().zip(0..) {
        let (name, count) = (entry.get("name")?, any(entry, EXAMPLES)?);
        if name.text()? != data_name(shard) {
            return Err(name.wrong(format!("expected {:?}", data_name(shard))));
        }
        let examples = layout.shard_examples(shard);
        let expected = examples.end - examples.start;
        if count.number(NUMBER_LIMIT)? != expected {
            return Err(count.wrong(format!("expected {expected}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::description::tests::description;
    use super::*;

    fn now() -> Value {
        json!({
            "family": "fake-clip", "ckpt": "made-up", "layers": [3, 11],
            "content_tokens_per_example": 4, "cls_token": true, "d_model": 6, "n_examples": 11,
            "max_tokens_per_shard": 40, "data": "bWFkZSB1cA==", "dataset": "/pictures",
            "pixel_agg": "majority", "dtype": "float32", "protocol": "2.1",
        })
    }

    fn parse(value: &Value) -> Result<Metadata> {
        Metadata::parse(value.to_string().as_bytes())
    }

    #[test]
    fn older_names_of_the_same_things_are_understood() {
        let between = json!({
            "family": "fake-clip", "ckpt": "made-up", "layers": [3, 11], "patches_per_ex": 4,
            "cls_token": true, "d_model": 6, "n_ex": 11, "patches_per_shard": 40, "data": {},
            "pixel_agg": null, "dtype": "float32", "protocol": "1.1",
        });
        let first = json!({
            "vit_family": "fake-clip", "vit_ckpt": "made-up", "layers": [3, 11],
            "n_patches_per_img": 4, "cls_token": true, "d_vit": 6, "n_imgs": 11,
            "max_patches_per_shard": 40, "data": {}, "protocol": "1.0.0",
        });
        let layout = parse(&now()).unwrap().layout();
        assert_eq!((layout.examples_per_shard, layout.shards()), (4, 3));
        assert_eq!(layout.arrays[0].layers, ["blocks.3", "blocks.11"]);
        assert_eq!(layout.arrays[0].grid, Some([2, 2]));
        for older in [between, first] {
            assert_eq!(parse(&older).unwrap().layout(), layout, "{older}");
        }
    }

    #[test]
    fn a_folder_is_called_as_saev_calls_it() {
        // As its own code named a folder of this description.
        assert_eq!(parse(&now()).unwrap().hash().unwrap(), "b92de99c");
    }

    #[test]
    fn whatever_is_wrong_is_named() {
        let cases: [(&str, Value, &str); 8] = [
            ("protocol", json!("3.0"), "metadata.json: protocol"),
            ("dtype", json!("float16"), "metadata.json: dtype"),
            ("layers", json!([]), "not one example"),
            ("layers", json!(["a"]), "metadata.json: layers[0]"),
            ("layers", json!([3, 3]), "\"blocks.3\" twice"),
            ("d_model", json!(0), "metadata.json: d_model"),
            ("n_examples", json!(1_u64 << 50), "metadata.json: n_examples"),
            ("max_tokens_per_shard", json!(9), "max_tokens_per_shard: not one example"),
        ];
        for (field, other, said) in cases {
            let mut value = now();
            value[field] = other;
            let error = parse(&value).unwrap_err().to_string();
            assert!(error.contains(said), "{field}: {error}");
        }
        let mut without = now();
        without.as_object_mut().unwrap().remove("d_model");
        let error = parse(&without).unwrap_err().to_string();
        assert!(error.contains("\"d_model\" is missing"), "{error}");
    }

    #[test]
    fn a_list_of_files_may_end_with_an_empty_one_and_must_fit_otherwise() {
        let layout = parse(&now()).unwrap().layout();
        let mut listed = serde_json::to_value(list(&layout)).unwrap();
        assert_eq!(listed[2], json!({ "name": "acts000002.bin", "n_examples": 3 }));
        let check = |listed: &Value| check_list(listed.to_string().as_bytes(), &layout);
        check(&listed).unwrap();
        let entries = listed.as_array_mut().unwrap();
        entries.push(json!({ "name": "acts000003.bin", "n_examples": 0 }));
        check(&listed).unwrap();
        listed[1]["n_examples"] = json!(3);
        assert!(
            check(&listed)
                .unwrap_err()
                .to_string()
                .contains("shards.json[1]: n_examples: expected 4")
        );
        listed[1] = json!({ "name": "../b", "n_examples": 4 });
        assert!(check(&listed).unwrap_err().to_string().contains("shards.json[1]: name"));
        assert!(check(&json!([])).unwrap_err().to_string().contains("0 files"));
    }

    #[test]
    fn a_store_of_blocks_becomes_metadata_and_any_other_is_refused() {
        let mut store = description();
        store.named.model = "dinov2-vit-s-14".to_owned();
        let error = Metadata::of(&store, 9).unwrap_err().to_string();
        assert!(error.contains("mixed4a is none"), "{error}");
        store.layout.arrays[0].layers = vec!["blocks.10".to_owned(), "blocks.11".to_owned()];
        let metadata = Metadata::of(&store, 9).unwrap();
        assert_eq!((metadata.family.as_str(), &metadata.layers[..]), ("dinov2", &[10, 11][..]));
        let read = parse(&serde_json::to_value(&metadata).unwrap()).unwrap();
        assert_eq!(read, metadata);
        let layout = read.layout();
        assert_eq!(layout.examples_per_shard, store.layout.examples_per_shard);
        assert_eq!(layout.arrays, store.layout.arrays);
        store.layout.arrays.push(store.layout.arrays[0].clone());
        let error = Metadata::of(&store, 9).unwrap_err().to_string();
        assert!(error.contains("2 shapes"), "{error}");
    }
}
