//! A shard's record: which examples it holds, in which files, with which checksums.

use serde::{Deserialize, Serialize};

use super::super::document::{json_text, parse_json};
use super::super::field::Field;
use super::super::part::Part;
use super::description::sha256;
use super::layout::Layout;
use crate::{Error, Result};

/// The largest record, in bytes.
pub const RECORD_LIMIT: usize = 4 << 20;

/// The largest list of a shard's pictures, in bytes.
pub const PICTURES_LIMIT: usize = 64 << 20;

/// How much of a file's SHA-256 is in its name.
const HASH_DIGITS: usize = 16;

/// What is known of a shard that is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Of the description that it belongs to, hexadecimal.
    pub store_sha256: String,
    /// Its number.
    pub shard: u64,
    /// The number of its first example.
    pub first: u64,
    /// How many it holds.
    pub examples: u64,
    /// The numbers of pictures that could not be read: their rows are NaN.
    pub unreadable: Vec<u64>,
    /// Its files of numbers, one for each array.
    pub arrays: Vec<Part>,
    /// Its list of pictures.
    pub pictures: Part,
}

/// What an example is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Titled {
    /// The picture's name.
    pub file: String,
    /// What it shows, as far as its place tells; may be empty.
    pub label: String,
}

impl Record {
    /// Its bytes.
    pub fn to_json(&self) -> Result<String> {
        json_text(&record_path(self.shard), self)
    }

    /// Reads the record of a shard and holds it to its store.
    ///
    /// # Errors
    /// Name the field; a shard of another store, or one that its store has no room for.
    pub fn parse(bytes: &[u8], shard: u64, store_sha256: &str, layout: &Layout) -> Result<Self> {
        let file = record_path(shard);
        let value = parse_json(&file, bytes, RECORD_LIMIT)?;
        let root = Field::root(&file, &value);
        let store = root.get("store_sha256")?;
        if sha256(&store)? != store_sha256 {
            return Err(store.wrong("the shard belongs to another store.json"));
        }
        let expected = layout.shard_examples(shard);
        let count = expected.end - expected.start;
        for (field, expected) in [("shard", shard), ("first", expected.start), ("examples", count)]
        {
            let found = root.get(field)?;
            if found.number(u64::MAX)? != expected {
                return Err(found.wrong(format!("expected {expected}")));
            }
        }
        let listed = root.get("unreadable")?;
        let unreadable: Vec<u64> = listed
            .items(count as usize)?
            .iter()
            .map(|number| number.number(u64::MAX))
            .collect::<Result<_>>()?;
        if !unreadable.is_sorted_by(|one, next| one < next)
            || unreadable.iter().any(|number| !expected.contains(number))
        {
            return Err(listed.wrong("expected numbers of the shard's examples, ascending"));
        }
        let parts = root.get("arrays")?;
        let fields = parts.items(layout.arrays.len())?;
        if fields.len() != layout.arrays.len() {
            let (found, expected) = (fields.len(), layout.arrays.len());
            return Err(parts.wrong(format!("has {found} files, expected {expected}")));
        }
        let arrays = fields.iter().enumerate().map(|(array, field)| {
            let part = Part::read(field, u64::MAX)?;
            let size = layout.file_bytes(shard, array);
            if part.size != size {
                let reason = format!("is {}, expected {size}", part.size);
                return Err(field.get("size")?.wrong(reason));
            }
            let path = data_path(shard, array, &part.sha256, layout);
            called(field, &part, &path)?;
            Ok(part)
        });
        let arrays = arrays.collect::<Result<_>>()?;
        let field = root.get("pictures")?;
        let pictures = Part::read(&field, PICTURES_LIMIT as u64)?;
        called(&field, &pictures, &pictures_path(shard, &pictures.sha256))?;
        let store_sha256 = store_sha256.to_owned();
        let first = expected.start;
        Ok(Self { store_sha256, shard, first, examples: count, unreadable, arrays, pictures })
    }
}

fn called(field: &Field<'_>, part: &Part, expected: &str) -> Result<()> {
    if part.path == expected {
        return Ok(());
    }
    Err(field.get("path")?.wrong(format!("is {:?}, expected {expected:?}", part.path)))
}

/// What a shard's list of pictures says, one for each of `count` examples.
///
/// # Errors
/// It is no such list.
pub fn pictures(name: &str, bytes: &[u8], count: u64) -> Result<Vec<Titled>> {
    let value = parse_json(name, bytes, PICTURES_LIMIT)?;
    let listed: Vec<Titled> = Field::root(name, &value).parsed()?;
    if listed.len() as u64 != count {
        let reason = format!("has {} pictures, expected {count}", listed.len());
        return Err(Error::Format { what: name.to_owned(), reason });
    }
    Ok(listed)
}

/// The name of a shard's record.
pub fn record_path(shard: u64) -> String {
    format!("{shard:06}.json")
}

/// The shard whose record goes by this name.
pub fn shard_of_record(name: &str) -> Option<u64> {
    let shard = name.strip_suffix(".json")?.parse().ok()?;
    (record_path(shard) == name).then_some(shard)
}

/// The name of a shard's file of an array.
pub fn data_path(shard: u64, array: usize, sha256: &str, layout: &Layout) -> String {
    format!("{shard:06}.{array}-{}.{}", beginning(sha256), layout.dtype.name())
}

/// The name of a shard's list of pictures.
pub fn pictures_path(shard: u64, sha256: &str) -> String {
    format!("{shard:06}.pictures-{}.json", beginning(sha256))
}

fn beginning(sha256: &str) -> &str {
    sha256.get(..HASH_DIGITS).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::description::tests::description;
    use super::*;

    /// The last shard, of 188 examples.
    fn record() -> Record {
        let layout = description().layout;
        let hash = "0123456789abcdef".repeat(4);
        let part = |path: String, size| Part { path, size, sha256: hash.clone() };
        Record {
            store_sha256: "ef".repeat(32),
            shard: 2,
            first: 512,
            examples: 188,
            unreadable: vec![512, 699],
            arrays: vec![part(data_path(2, 0, &hash, &layout), layout.file_bytes(2, 0))],
            pictures: part(pictures_path(2, &hash), 1234),
        }
    }

    fn parsed(value: &Value) -> Result<Record> {
        let layout = description().layout;
        Record::parse(value.to_string().as_bytes(), 2, &"ef".repeat(32), &layout)
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let value: Value = serde_json::from_str(&record().to_json().unwrap()).unwrap();
        assert_eq!(parsed(&value).unwrap(), record());
        assert_eq!(value["arrays"][0]["path"], "000002.0-0123456789abcdef.f16");
        assert_eq!(value["pictures"]["path"], "000002.pictures-0123456789abcdef.json");
    }

    #[test]
    fn a_record_that_does_not_fit_its_store_is_refused_by_the_field() {
        let cases: [(&str, Value, &str); 13] = [
            ("/store_sha256", json!("ee".repeat(32)), "belongs to another store.json"),
            ("/shard", json!(1), "000002.json: shard: expected 2"),
            ("/first", json!(511), "first: expected 512"),
            ("/examples", json!(256), "examples: expected 188"),
            ("/unreadable", json!([699, 512]), "unreadable"),
            ("/unreadable", json!([700]), "unreadable"),
            ("/unreadable", json!([600, 600]), "unreadable"),
            ("/arrays", json!([]), "has 0 files, expected 1"),
            ("/arrays/0/size", json!(1), "arrays[0].size"),
            ("/arrays/0/sha256", json!("short"), "arrays[0].sha256"),
            ("/arrays/0/path", json!("000002.0-0123456789abcdee.f16"), "arrays[0].path"),
            ("/arrays/0/path", json!("../store.json"), "arrays[0].path"),
            ("/pictures/size", json!(65 << 20), "pictures.size"),
        ];
        for (pointer, other, said) in cases {
            let mut value = serde_json::to_value(record()).unwrap();
            *value.pointer_mut(pointer).unwrap() = other.clone();
            let error = parsed(&value).unwrap_err().to_string();
            assert!(error.contains(said), "{pointer} {other}: {error}");
        }
    }

    #[test]
    fn records_are_known_by_their_names_alone() {
        for (name, shard) in [
            ("000000.json", Some(0)),
            ("000012.json", Some(12)),
            ("1234567.json", Some(1_234_567)),
            ("12.json", None),
            ("+00012.json", None),
            ("000012.pictures-0123456789abcdef.json", None),
            ("000012.0-0123456789abcdef.f16", None),
            (".000012.json", None),
        ] {
            assert_eq!(shard_of_record(name), shard, "{name}");
        }
    }

    #[test]
    fn a_list_of_pictures_has_one_for_each_example() {
        let bytes = br#"[{"file": "a.png", "label": ""}]"#;
        assert_eq!(pictures("p", bytes, 1).unwrap()[0].file, "a.png");
        assert!(pictures("p", bytes, 2).unwrap_err().to_string().contains("expected 2"));
        assert!(pictures("p", b"{}", 0).is_err());
    }
}
