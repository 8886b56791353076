//! What makes two runs the same job, and in what two jobs differ.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash;

/// Everything that the results of a long job depend on. What only decides how fast they come, such
/// as the device or how many pictures are computed together, is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The command: `exemplars`.
    pub verb: String,
    /// The model's name in the registry.
    pub model: String,
    /// Of the weights file, hexadecimal.
    pub model_sha256: String,
    /// What is worked through, if it is more than the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// Other files that are used, by what is in them: `titles`, `mixed4c/{stripes}`; SHA-256,
    /// hexadecimal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assets: BTreeMap<String, String>,
    /// What was chosen, by its name on the command line.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Value>,
}

/// What a job works through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// What there is so many of: `pictures`.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// SHA-256 of all their names and sizes, hexadecimal.
    pub sha256: String,
}

impl Job {
    /// Of a model and nothing else.
    pub fn new(verb: &str, model: &str, model_sha256: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            model: model.to_owned(),
            model_sha256: model_sha256.to_owned(),
            data: None,
            assets: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }

    /// The same, working through data.
    pub fn over(self, data: Data) -> Self {
        Self { data: Some(data), ..self }
    }

    /// The same with a file of this hash, if there is one.
    pub fn asset(mut self, name: &str, sha256: Option<&str>) -> Self {
        self.assets.extend(sha256.map(|sha256| (name.to_owned(), sha256.to_owned())));
        self
    }

    /// The same with something chosen.
    ///
    /// # Errors
    /// A value that JSON has no words for.
    pub fn option(mut self, name: &str, value: &impl Serialize) -> Result<Self> {
        // By way of its text, so that 0.05 in single precision is called 0.05.
        let text = serde_json::to_string(value).with_context(|| name.to_owned())?;
        self.options.insert(name.to_owned(), serde_json::from_str(&text)?);
        Ok(self)
    }

    /// The same with everything chosen in a struct, field by field.
    ///
    /// # Errors
    /// As [`Self::option`], or it has no fields.
    pub fn options(mut self, chosen: &impl Serialize) -> Result<Self> {
        let fields: BTreeMap<String, Value> =
            serde_json::from_str(&serde_json::to_string(chosen)?)?;
        self.options.extend(fields);
        Ok(self)
    }

    /// SHA-256 of all of it, hexadecimal: the same for the same job, and for no other.
    pub fn fingerprint(&self) -> Result<String> {
        Ok(hash::sha256(&serde_json::to_vec(self)?))
    }

    /// In what another job differs from this one, for people; nothing if it is the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let mut said = Vec::new();
        let mut compare = |what: &str, here: &str, there: &str| {
            if here != there {
                said.push(format!("{what} {there}, not {here}"));
            }
        };
        compare("verb", &self.verb, &other.verb);
        compare("model", &self.model, &other.model);
        let names = |job: &Self| job.options.keys().cloned().collect::<BTreeSet<_>>();
        for name in names(self).union(&names(other)) {
            let text = |job: &Self| job.options.get(name).map_or("unset".to_owned(), in_words);
            compare(name, &text(self), &text(other));
        }
        if self.model == other.model && self.model_sha256 != other.model_sha256 {
            said.push("other weights".to_owned());
        }
        said.extend(data_difference(self.data.as_ref(), other.data.as_ref()));
        let names = |job: &Self| job.assets.keys().cloned().collect::<BTreeSet<_>>();
        for name in names(self).union(&names(other)) {
            let hash = |job: &Self| job.assets.get(name).map_or("none", String::as_str).to_owned();
            let (here, there) = (hash(self), hash(other));
            if here != there {
                said.push(format!("other {name} (SHA-256 {there}, not {here})"));
            }
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// A text stands for itself, without quotes.
fn in_words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn data_difference(here: Option<&Data>, there: Option<&Data>) -> Option<String> {
    match (here, there) {
        _ if here == there => None,
        (Some(here), Some(there)) if (&here.kind, here.count) == (&there.kind, there.count) => {
            Some(format!("other {}, or ones that changed since", here.kind))
        }
        (Some(here), Some(there)) if here.kind == there.kind => {
            Some(format!("{} {}, not {}", there.count, here.kind, here.count))
        }
        _ => {
            let kind =
                |data: Option<&Data>| data.map_or("nothing".to_owned(), |data| data.kind.clone());
            Some(format!("over {}, not {}", kind(there), kind(here)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(count: u64, sha256: &str) -> Data {
        Data { kind: "pictures".to_owned(), count, sha256: sha256.to_owned() }
    }

    fn job() -> Job {
        Job::new("exemplars", "googlenet", "aa")
            .over(data(4, "bb"))
            .asset("titles", None)
            .option("--top", &4)
            .unwrap()
            .option("--statistic", &"mean")
            .unwrap()
            .option("learning rate", &0.05_f32)
            .unwrap()
    }

    #[test]
    fn a_job_is_the_same_after_it_was_written_and_read() {
        let text = serde_json::to_string(&job()).unwrap();
        let read: Job = serde_json::from_str(&text).unwrap();
        assert_eq!(job().difference(&read), None);
        assert_eq!((&read, read.fingerprint().unwrap()), (&job(), job().fingerprint().unwrap()));
    }

    #[test]
    fn every_difference_changes_the_fingerprint_and_is_said() {
        let cases = [
            (job().option("--top", &5).unwrap(), "--top 5, not 4"),
            (job().option("--statistic", &"max").unwrap(), "--statistic max, not mean"),
            (job().option("--seed", &1).unwrap(), "--seed 1, not unset"),
            (job().option("learning rate", &0.1_f32).unwrap(), "learning rate 0.1, not 0.05"),
            (
                Job { model: "inception-v1".to_owned(), ..job() },
                "model inception-v1, not googlenet",
            ),
            (Job { model_sha256: "ab".to_owned(), ..job() }, "other weights"),
            (Job { verb: "record".to_owned(), ..job() }, "verb record, not exemplars"),
            (job().over(data(5, "bb")), "5 pictures, not 4"),
            (job().over(data(4, "bc")), "other pictures, or ones that changed since"),
            (Job { data: None, ..job() }, "over nothing, not pictures"),
            (job().asset("titles", Some("cc")), "other titles (SHA-256 cc, not none)"),
        ];
        for (other, said) in cases {
            assert_eq!(job().difference(&other).as_deref(), Some(said));
            assert_ne!(job().fingerprint().unwrap(), other.fingerprint().unwrap(), "{said}");
        }
        let both = job().option("--top", &5).unwrap().over(data(5, "bb"));
        assert_eq!(job().difference(&both).unwrap(), "--top 5, not 4; 5 pictures, not 4");
    }
}
