//! What makes two runs the same job.

use serde::{Deserialize, Serialize};
use shared::format::exemplars::Statistic;

/// What the results depend on, besides the layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// `googlenet`.
    pub model: String,
    /// Of the weights file, hexadecimal.
    pub model_sha256: String,
    /// What pictures are ranked by.
    pub statistic: Statistic,
    /// How many exemplars a unit has at most.
    pub top: usize,
    /// How many pictures the source has.
    pub pictures: u64,
    /// As [`crate::pictures::source::Listing::fingerprint`].
    pub pictures_sha256: String,
    /// Of the list that titles pictures, hexadecimal; empty where there is none.
    pub titles_sha256: String,
}

impl Job {
    /// In what another job differs from this one, for people; empty if in nothing.
    pub fn difference(&self, other: &Self) -> String {
        let mut differences = Vec::new();
        let mut compare = |what: &str, here: String, there: String| {
            if here != there {
                differences.push(format!("{what} {there}, not {here}"));
            }
        };
        let statistic = |job: &Self| format!("{:?}", job.statistic).to_lowercase();
        compare("model", self.model.clone(), other.model.clone());
        compare("--statistic", statistic(self), statistic(other));
        compare("--top", self.top.to_string(), other.top.to_string());
        if self.model == other.model && self.model_sha256 != other.model_sha256 {
            differences.push("other weights".to_owned());
        }
        if self.pictures != other.pictures {
            differences.push(format!("{} pictures, not {}", other.pictures, self.pictures));
        } else if self.pictures_sha256 != other.pictures_sha256 {
            differences.push("other pictures, or ones that changed since".to_owned());
        }
        if self.titles_sha256 != other.titles_sha256 {
            differences.push("other titles of the pictures".to_owned());
        }
        differences.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_told() {
        let job = Job {
            model: "googlenet".to_owned(),
            model_sha256: "aa".to_owned(),
            statistic: Statistic::Mean,
            top: 10,
            pictures: 700,
            pictures_sha256: "bb".to_owned(),
            titles_sha256: String::new(),
        };
        assert_eq!(job.difference(&job), "");
        for (other, told) in [
            (Job { model: "inception-v1".to_owned(), ..job.clone() }, "model inception-v1"),
            (Job { model_sha256: "cc".to_owned(), ..job.clone() }, "other weights"),
            (Job { statistic: Statistic::Max, ..job.clone() }, "--statistic max, not mean"),
            (Job { top: 9, ..job.clone() }, "--top 9, not 10"),
            (Job { pictures: 8, ..job.clone() }, "8 pictures, not 700"),
            (Job { pictures_sha256: "cc".to_owned(), ..job.clone() }, "other pictures"),
            (Job { titles_sha256: "cc".to_owned(), ..job.clone() }, "other titles"),
        ] {
            let difference = job.difference(&other);
            assert!(difference.contains(told), "{difference}");
        }
    }
}
