//! Samples by what was measured and who was.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// A part of the page of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The processor, natively.
    Native,
    /// A GPU, natively.
    NativeGpu,
    /// The processor, in the page.
    Page,
    /// WebGPU, in the page.
    PageGpu,
    /// Whole programs and pages: memory, sizes, starts.
    Whole,
}

/// Everything measured so far.
#[derive(Debug, Default)]
pub struct Measured {
    samples: BTreeMap<(Part, String), BTreeMap<String, Vec<f64>>>,
    /// The GPU that programs outside the browser use, as it names itself, and whether it is a
    /// software one.
    pub native_adapter: Option<(String, bool)>,
    /// The browser's.
    pub adapter: Option<(String, bool)>,
}

impl Measured {
    /// Adds samples of `who` doing `what`.
    pub fn add(&mut self, part: Part, who: &str, what: &str, samples: &[f64]) {
        let rows = self.samples.entry((part, what.to_owned())).or_default();
        rows.entry(who.to_owned()).or_default().extend(samples);
    }

    /// Adds what a program printed: `{"what": [samples]}`.
    pub fn add_all(&mut self, part: Part, who: &str, printed: &Value) -> Result<()> {
        let rows = printed.as_object().with_context(|| format!("{who} printed no samples"))?;
        for (what, samples) in rows {
            let samples: Option<Vec<f64>> = samples
                .as_array()
                .map(|samples| samples.iter().filter_map(Value::as_f64).collect());
            let samples = samples.with_context(|| format!("{who}: {what} is no list"))?;
            self.add(part, who, what, &samples);
        }
        Ok(())
    }

    /// All samples of `who` doing `what`.
    pub fn samples(&self, part: Part, who: &str, what: &str) -> Option<&[f64]> {
        let rows = self.samples.get(&(part, what.to_owned()))?;
        rows.get(who).map(Vec::as_slice).filter(|samples| !samples.is_empty())
    }

    /// Their median.
    pub fn median(&self, part: Part, who: &str, what: &str) -> Option<f64> {
        self.samples(part, who, what).map(median)
    }
}

/// The value in the middle; of an even number, the mean of the two there.
///
/// # Panics
/// There must be at least one.
fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 100.0, 2.0]), 3.0);
    }

    #[test]
    fn turns_add_up() {
        let mut measured = Measured::default();
        for turn in [json!({ "forward": [1.0, 2.0] }), json!({ "forward": [9.0] })] {
            measured.add_all(Part::Native, "us", &turn).unwrap();
        }
        assert_eq!(measured.median(Part::Native, "us", "forward"), Some(2.0));
        assert_eq!(measured.median(Part::Page, "us", "forward"), None);
        assert!(measured.add_all(Part::Native, "us", &json!({ "forward": "fast" })).is_err());
    }
}
