//! The largest of many values.

/// Neighbours whose largest stands for them.
const GROUP: usize = 32;

/// Room that is used again from row to row.
#[derive(Debug, Default)]
pub struct Room {
    largest: Vec<f32>,
    sorted: Vec<f32>,
    candidates: Vec<u32>,
}

/// The place of the largest of some values; of equal ones the first.
pub fn largest(values: &[f32]) -> usize {
    let mut most = 0;
    for (place, value) in values.iter().enumerate() {
        if values[most] < *value {
            most = place;
        }
    }
    most
}

/// Appends the places of the `k` largest values, ascending; of equal ones the first.
///
/// Most values are only looked at once, by groups: of `k` groups the largest is at least the k-th
/// largest of all groups, so no value below that is among the `k`.
pub fn top_k(values: &[f32], k: usize, places: &mut Vec<u32>, room: &mut Room) {
    let Room { largest, sorted, candidates } = room;
    candidates.clear();
    if values.len() <= k {
        places.extend(0..values.len() as u32);
        return;
    }
    largest.clear();
    largest.extend(values.chunks(GROUP).map(|group| {
        group.iter().fold(f32::NEG_INFINITY, |most, &value| if most < value { value } else { most })
    }));
    let mut bound = f32::NEG_INFINITY;
    if 0 < k && k <= largest.len() {
        sorted.clone_from(largest);
        bound = *sorted.select_nth_unstable_by(k - 1, |one, other| other.total_cmp(one)).1;
    }
    for (group, largest) in largest.iter().enumerate() {
        if bound <= *largest {
            let first = group * GROUP;
            let members = values[first..].iter().take(GROUP).enumerate();
            let near = members.filter(|(_, value)| bound <= **value);
            candidates.extend(near.map(|(place, _)| (first + place) as u32));
        }
    }
    if k < candidates.len() {
        let order = |one: &u32, other: &u32| {
            values[*other as usize].total_cmp(&values[*one as usize]).then(one.cmp(other))
        };
        candidates.select_nth_unstable_by(k, order);
        candidates.truncate(k);
        candidates.sort_unstable();
    }
    places.extend_from_slice(candidates);
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The obvious way.
    fn sorted(values: &[f32], k: usize) -> Vec<u32> {
        let mut places: Vec<u32> = (0..values.len() as u32).collect();
        places.sort_by(|&one, &other| {
            values[other as usize].total_cmp(&values[one as usize]).then(one.cmp(&other))
        });
        places.truncate(k);
        places.sort_unstable();
        places
    }

    #[test]
    fn they_are_those_that_sorting_finds() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut room = Room::default();
        for length in [1, 2, 31, 32, 33, 500, 3000] {
            for k in [0, 1, 2, 7, 32, 100] {
                for few in [false, true] {
                    let mut value = || {
                        if few { random.random_range(-3..3) as f32 } else { random.random::<f32>() }
                    };
                    let values: Vec<f32> = (0..length).map(|_| value()).collect();
                    let mut places = Vec::new();
                    top_k(&values, k, &mut places, &mut room);
                    assert_eq!(places, sorted(&values, k), "{k} of {length}");
                }
            }
        }
    }
}
