//! The few pictures that excite a unit most.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A picture that is an exemplar of some unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its number in the source.
    pub number: u64,
    /// As [`crate::pictures::found::Found::name`].
    pub file: String,
    /// What it shows; may be empty.
    pub label: String,
}

/// What a picture does to a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// What it is ranked by.
    pub value: f32,
    /// Which picture; one is shared by all its units until it is written.
    #[serde(with = "of_its_own")]
    pub picture: Arc<Shown>,
    /// Where the largest activation is.
    pub row: usize,
    /// Where the largest activation is.
    pub column: usize,
    /// Activations, pooled by [`super::heat::pool`].
    pub heat: Vec<f32>,
}

mod of_its_own {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Shown;

    pub fn serialize<S: Serializer>(shown: &Arc<Shown>, out: S) -> Result<S::Ok, S::Error> {
        shown.as_ref().serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Arc<Shown>, D::Error> {
        Shown::deserialize(input).map(Arc::new)
    }
}

/// At most `limit` exemplars, best first; of equals the one that came first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Top {
    limit: usize,
    best: Vec<Exemplar>,
}

impl Top {
    /// Of nothing yet.
    pub fn new(limit: usize) -> Self {
        Self { limit, best: Vec::new() }
    }

    /// Whether a value would be among the best.
    pub fn admits(&self, value: f32) -> bool {
        self.best.len() < self.limit || self.best.last().is_some_and(|last| last.value < value)
    }

    /// Takes an exemplar in if it is among the best.
    pub fn offer(&mut self, exemplar: Exemplar) {
        if !self.admits(exemplar.value) {
            return;
        }
        let place = self.best.partition_point(|better| exemplar.value <= better.value);
        self.best.truncate(self.limit - 1);
        self.best.insert(place, exemplar);
    }

    /// Best first.
    pub fn best(&self) -> &[Exemplar] {
        &self.best
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn exemplar(number: u64, value: f32) -> Exemplar {
        let picture = Arc::new(Shown { number, file: String::new(), label: String::new() });
        Exemplar { value, picture, row: 0, column: 0, heat: Vec::new() }
    }

    #[test]
    fn the_best_are_those_that_sorting_everything_finds() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for limit in [1, 2, 10, 100] {
            for count in [0, 1, 9, 10, 11, 500] {
                // Few different values, so that many are equal.
                let values: Vec<f32> =
                    (0..count).map(|_| (rng.random_range(0..40) - 20) as f32).collect();
                let mut top = Top::new(limit);
                for (number, &value) in values.iter().enumerate() {
                    top.offer(exemplar(number as u64, value));
                }
                let mut sorted: Vec<_> = values.iter().copied().enumerate().collect();
                sorted.sort_by(|(_, one), (_, other)| other.total_cmp(one));
                sorted.truncate(limit);
                let found: Vec<_> = top
                    .best()
                    .iter()
                    .map(|exemplar| (exemplar.picture.number as usize, exemplar.value))
                    .collect();
                assert_eq!(found, sorted, "{limit} of {count}");
            }
        }
    }
}
