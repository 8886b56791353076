//! What was seen of a layer so far: for each unit its exemplars and its distribution.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::heat;
use super::sketch::Sketch;
use super::top::{Exemplar, Shown, Top};

/// Sums run in so many lanes, as wide as vectors are: quick, and the same on every run.
const LANES: usize = 16;

/// Units handed to a thread together, at least: a few thousand values each.
const UNITS_TOGETHER: usize = 8;

/// What was seen of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerTally {
    /// Its canonical name.
    pub layer: String,
    /// Rows and columns of positions on a picture; zeros before the first picture.
    pub positions: [usize; 2],
    /// One for each channel.
    pub units: Vec<UnitTally>,
}

/// What was seen of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitTally {
    /// The pictures that excite it most.
    pub top: Top,
    /// All its activations.
    pub sketch: Sketch,
}

/// The activations of a layer on some pictures.
#[derive(Clone, Copy, Debug)]
pub struct Maps<'a> {
    /// `[pictures, channels, rows, columns]`
    pub values: &'a [f32],
    /// One for each picture.
    pub pictures: &'a [Arc<Shown>],
    /// Rows and columns.
    pub positions: [usize; 2],
}

/// What pictures are ranked by.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// The mean of the map.
    Mean,
    /// The largest of the map.
    Max,
    /// This position of the map.
    Position(usize),
    /// Values that are in no map, `[pictures, channels]`.
    Given(&'a [f32]),
}

/// An activation that is no number, as damaged weights give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFinite;

impl LayerTally {
    /// Of nothing yet.
    pub fn new(layer: &str, channels: usize, top: usize) -> Self {
        let unit = UnitTally { top: Top::new(top), sketch: Sketch::default() };
        Self { layer: layer.to_owned(), positions: [0, 0], units: vec![unit; channels] }
    }

    /// Takes in a batch, the units shared out over all cores.
    pub fn add(&mut self, maps: Maps<'_>, by: By<'_>) -> Result<(), NotFinite> {
        self.positions = maps.positions;
        let channels = self.units.len();
        let area = maps.positions[0] * maps.positions[1];
        let units = self.units.par_iter_mut().with_min_len(UNITS_TOGETHER).enumerate();
        units.try_for_each(|(channel, unit)| {
            for (place, picture) in maps.pictures.iter().enumerate() {
                let number = place * channels + channel;
                let map = &maps.values[number * area..][..area];
                let summary = summarize(map);
                // A picture on which the unit is zero is no example of what excites it.
                let lively = Some(summary).filter(|all| all.smallest != 0.0 || all.largest != 0.0);
                let value = match by {
                    By::Mean => lively.map(|all| (all.sum / area as f64) as f32),
                    By::Max => lively.map(|all| all.largest),
                    By::Position(position) => Some(map[position]).filter(|value| *value != 0.0),
                    By::Given(values) => Some(values[number]).filter(|value| *value != 0.0),
                };
                unit.add(map, maps.positions, picture, summary, value)?;
            }
            Ok(())
        })
    }
}

impl UnitTally {
    /// Takes in the unit's activations on one picture, which is ranked by `value`, if it has one.
    fn add(
        &mut self,
        map: &[f32],
        positions: [usize; 2],
        picture: &Arc<Shown>,
        Summary { sum, smallest, largest }: Summary,
        value: Option<f32>,
    ) -> Result<(), NotFinite> {
        if !sum.is_finite() || value.is_some_and(|value| !value.is_finite()) {
            return Err(NotFinite);
        }
        self.sketch.add(map, smallest, largest);
        let Some(value) = value.filter(|value| self.top.admits(*value)) else { return Ok(()) };
        let place = map.iter().position(|&value| value == largest).unwrap_or_default();
        self.top.offer(Exemplar {
            value,
            picture: picture.clone(),
            row: place / positions[1],
            column: place % positions[1],
            heat: heat::pool(map, positions),
        });
        Ok(())
    }
}

/// What is needed of every map.
#[derive(Clone, Copy)]
struct Summary {
    sum: f64,
    smallest: f32,
    largest: f32,
}

/// One pass over a map. Sums of up to some thousand values in single precision, in lanes, are good
/// to seven digits. The sum is not finite if any value is not.
fn summarize(map: &[f32]) -> Summary {
    let mut sums = [0.0_f32; LANES];
    let mut smallest = [f32::INFINITY; LANES];
    let mut largest = [f32::NEG_INFINITY; LANES];
    let chunks = map.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
            smallest[lane] =
                if chunk[lane] < smallest[lane] { chunk[lane] } else { smallest[lane] };
            largest[lane] = if largest[lane] < chunk[lane] { chunk[lane] } else { largest[lane] };
        }
    }
    Summary {
        sum: sums.iter().chain(rest).map(|&value| f64::from(value)).sum(),
        smallest: smallest.iter().chain(rest).fold(f32::INFINITY, |all, &value| all.min(value)),
        largest: largest.iter().chain(rest).fold(f32::NEG_INFINITY, |all, &value| all.max(value)),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const CHANNELS: usize = 5;

    fn shown(count: u64) -> Vec<Arc<Shown>> {
        let shown = |number| Shown { number, file: format!("{number}.jpg"), label: String::new() };
        (0..count).map(|number| Arc::new(shown(number))).collect()
    }

    /// `[pictures, CHANNELS, rows, columns]`; half of it zero, the last channel always.
    fn activations(pictures: usize, area: usize) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let value = |place: usize| {
            let silent = place / area % CHANNELS == CHANNELS - 1;
            let value = rng.random::<f32>() * 20.0 - 10.0;
            if silent { 0.0 } else { value.max(0.0) }
        };
        (0..pictures * CHANNELS * area).map(value).collect()
    }

    fn tally(values: &[f32], positions: [usize; 2], together: usize, by: By<'_>) -> LayerTally {
        let area = positions[0] * positions[1];
        let pictures = shown((values.len() / CHANNELS / area) as u64);
        let mut tally = LayerTally::new("mixed4a", CHANNELS, 3);
        let batches = values.chunks(together * CHANNELS * area).zip(pictures.chunks(together));
        for (values, pictures) in batches {
            tally.add(Maps { values, pictures, positions }, by).unwrap();
        }
        tally
    }

    #[test]
    fn exemplars_are_those_that_sorting_all_pictures_finds() {
        for positions in [[1, 1], [3, 5], [14, 14]] {
            let area = positions[0] * positions[1];
            let values = activations(20, area);
            for by in [By::Mean, By::Max, By::Position(area - 1)] {
                let tally = tally(&values, positions, 4, by);
                for (channel, unit) in tally.units[..CHANNELS - 1].iter().enumerate() {
                    let map =
                        |picture: usize| &values[(picture * CHANNELS + channel) * area..][..area];
                    let largest = |picture| map(picture).iter().copied().fold(0.0, f32::max);
                    let value = |picture| match by {
                        By::Max => f64::from(largest(picture)),
                        By::Position(position) => f64::from(map(picture)[position]),
                        By::Given(_) => panic!("these are in maps"),
                        By::Mean => {
                            map(picture).iter().map(|&value| f64::from(value)).sum::<f64>()
                                / area as f64
                        }
                    };
                    let mut sorted: Vec<usize> = (0..20).filter(|&p| 0.0 < value(p)).collect();
                    sorted.sort_by(|&one, &other| value(other).total_cmp(&value(one)));
                    for (exemplar, &picture) in unit.top.best().iter().zip(&sorted) {
                        assert_eq!(exemplar.picture.number as usize, picture);
                        assert!((f64::from(exemplar.value) - value(picture)).abs() < 1e-5);
                        let place = exemplar.row * positions[1] + exemplar.column;
                        assert_eq!(map(picture)[place], largest(picture));
                        assert_eq!(exemplar.heat, heat::pool(map(picture), positions));
                    }
                    assert_eq!(unit.top.best().len(), sorted.len().min(3));
                    assert_eq!(unit.sketch.total(), 20 * area as u64);
                }
            }
        }
    }

    #[test]
    fn how_pictures_are_batched_does_not_matter() {
        let values = activations(20, 9);
        let one = tally(&values, [3, 3], 1, By::Mean);
        for together in [2, 7, 20] {
            assert_eq!(one, tally(&values, [3, 3], together, By::Mean));
        }
    }

    #[test]
    fn a_unit_that_is_always_silent_has_no_exemplar() {
        let tally = tally(&activations(20, 9), [3, 3], 4, By::Max);
        let silent = &tally.units[CHANNELS - 1];
        assert!(silent.top.best().is_empty());
        assert_eq!(silent.sketch.zero_share(), 1.0);
    }

    #[test]
    fn a_value_that_is_no_number_is_noticed_wherever_it_stands() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 17, 48] {
                let mut values = vec![1.0; 49];
                values[place] = wrong;
                let maps = Maps { values: &values, pictures: &shown(1), positions: [7, 7] };
                let mut tally = LayerTally::new("mixed5b", 1, 3);
                assert_eq!(tally.add(maps, By::Max), Err(NotFinite));
            }
        }
    }
}
