//! Which points of a map pull each other near, and which push each other away.

use anyhow::Result;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use shared::readout::dictionary::rows::{dot, row};

use crate::interrupt;

/// More neighbours than are paired: of these the nearest are, once distances are scaled.
const MORE: usize = 50;

/// Points of which the second nearest is a mid-near one.
const DRAWN: usize = 6;

/// Rows that are compared with all others at a time, so that these are fetched from memory once for
/// them all.
const TOGETHER: usize = 32;

/// Pairs of points, by their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// A point and one of its nearest.
    pub near: Vec<[u32; 2]>,
    /// A point and the second nearest of a few that were drawn: what holds the whole together.
    pub mid_near: Vec<[u32; 2]>,
    /// A point and any other that is none of its nearest.
    pub further: Vec<[u32; 2]>,
}

impl Pairs {
    /// Of rows of length 1, `[points, channels]`: for each point its 10 nearest (more of more than
    /// 10,000 points, fewer of 30 or less), half as many mid-near and twice as many further ones.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn choose(rows: &[f32], channels: usize, random: &mut ChaCha8Rng) -> Result<Self> {
        let points = rows.len() / channels;
        let others = points.saturating_sub(1);
        let count = neighbours(points).min(others / 3);
        let distance = |one: u32, other: &u32| {
            squared(row(rows, one as usize, channels), row(rows, *other as usize, channels))
        };
        let mut pairs = Self::default();
        for (point, near) in (0..).zip(nearest(rows, channels, count)?) {
            let mut mid_near = Vec::new();
            for _ in 0..(count / 2) {
                let room = DRAWN.min(others - mid_near.len());
                let is_out = |other| other == point || mid_near.contains(&other);
                let mut drawn = draw(room, points, is_out, random);
                drawn.sort_by(|a, b| distance(point, a).total_cmp(&distance(point, b)));
                mid_near.extend(drawn.into_iter().take(2).next_back());
            }
            let is_out = |other| other == point || near.contains(&other);
            let further = draw(2 * count, points, is_out, random);
            let with = |other| [point, other];
            pairs.near.extend(near.into_iter().map(with));
            pairs.mid_near.extend(mid_near.into_iter().map(with));
            pairs.further.extend(further.into_iter().map(with));
        }
        Ok(pairs)
    }
}

/// How many neighbours a point is paired with: the paper's choice for so many points.
fn neighbours(points: usize) -> usize {
    match points {
        0..=10_000 => 10,
        more => (10.0 + 15.0 * ((more as f64).log10() - 4.0)).round() as usize,
    }
}

/// So many points that are not out, none twice; there must be as many.
fn draw(
    count: usize,
    points: usize,
    is_out: impl Fn(u32) -> bool,
    random: &mut ChaCha8Rng,
) -> Vec<u32> {
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count {
        let point = random.random_range(0..points as u32);
        if !is_out(point) && !drawn.contains(&point) {
            drawn.push(point);
        }
    }
    drawn
}

/// Each point's nearest, where a distance counts in units of what is usual around both of its ends:
/// the mean distance to their fourth to sixth neighbours.
fn nearest(rows: &[f32], channels: usize, count: usize) -> Result<Vec<Vec<u32>>> {
    let mut found = candidates(rows, channels, count + MORE)?;
    let usual = |near: &Vec<(f32, u32)>| {
        let some = &near[near.len().min(3)..near.len().min(6)];
        let sum: f32 = some.iter().map(|(square, _)| square.sqrt()).sum();
        // Of rows that are the same, none is nearer than another.
        (sum / some.len().max(1) as f32).max(1e-10)
    };
    let usual: Vec<f32> = found.iter().map(usual).collect();
    for (near, here) in found.iter_mut().zip(&usual) {
        let scaled = |(square, other): &(f32, u32)| square / (here * usual[*other as usize]);
        near.sort_by(|one, other| scaled(one).total_cmp(&scaled(other)));
    }
    let first = |near: Vec<(f32, u32)>| near.into_iter().take(count).map(|(_, other)| other);
    Ok(found.into_iter().map(|near| first(near).collect()).collect())
}

/// Each point's exact nearest with their squared distances, the nearest first.
fn candidates(rows: &[f32], channels: usize, count: usize) -> Result<Vec<Vec<(f32, u32)>>> {
    let some = |(first, some): (usize, &[f32])| {
        interrupt::check()?;
        let mut all = vec![Vec::with_capacity(rows.len() / channels); some.len() / channels];
        for (other, column) in (0..).zip(rows.chunks_exact(channels)) {
            for (row, all) in some.chunks_exact(channels).zip(&mut all) {
                all.push((squared(row, column), other));
            }
        }
        let by_distance = |one: &(f32, u32), other: &(f32, u32)| {
            one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
        };
        for (place, all) in all.iter_mut().enumerate() {
            all.swap_remove(first * TOGETHER + place);
            if count < all.len() {
                all.select_nth_unstable_by(count, by_distance);
                all.truncate(count);
            }
            all.sort_by(by_distance);
            all.shrink_to_fit();
        }
        Ok(all)
    };
    let found = rows.par_chunks(TOGETHER * channels).enumerate().map(some);
    Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The squared distance between two rows of length 1.
fn squared(row: &[f32], other: &[f32]) -> f32 {
    (2.0 - 2.0 * dot(row, other)).max(0.0)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// On a circle, by degrees.
    fn circle(degrees: &[f32]) -> Vec<f32> {
        let row = |degrees: &f32| degrees.to_radians().sin_cos();
        degrees.iter().map(row).flat_map(|(sine, cosine)| [cosine, sine]).collect()
    }

    #[test]
    fn each_point_has_as_many_pairs_of_each_kind_none_of_them_twice_or_with_itself() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let degrees: Vec<f32> = (0..100).map(|point| (point * point) as f32 / 30.0).collect();
        let pairs = Pairs::choose(&circle(&degrees), 2, &mut random).unwrap();
        let of = |pairs: &[[u32; 2]], point: u32| -> Vec<u32> {
            pairs.iter().filter(|pair| pair[0] == point).map(|pair| pair[1]).collect()
        };
        for point in 0..100 {
            let near = of(&pairs.near, point);
            let further = of(&pairs.further, point);
            let mid_near = of(&pairs.mid_near, point);
            assert_eq!([near.len(), mid_near.len(), further.len()], [10, 5, 20]);
            let mut apart = [near, further].concat();
            apart.push(point);
            apart.sort();
            apart.dedup();
            assert_eq!(apart.len(), 31, "of {point}");
            assert!(!mid_near.contains(&point));
        }
    }

    #[test]
    fn neighbours_are_the_nearest_by_distances_in_units_of_their_surroundings() {
        // Two crowds, the second of which is ten times as sparse, and one point between them, just
        // as far from both: what is usual in the sparse one makes it the nearer.
        let crowd = |from: f32, apart: f32| (0..40).map(move |place| from + apart * place as f32);
        let degrees: Vec<f32> = crowd(0.0, 0.1).chain(crowd(8.0, 1.0)).chain([6.0]).collect();
        let rows = circle(&degrees);
        let plain: Vec<u32> = candidates(&rows, 2, 3).unwrap()[80].iter().map(|it| it.1).collect();
        assert_eq!(plain, [40, 39, 38]);
        let near = nearest(&rows, 2, 6).unwrap();
        assert_eq!(near[80][..3], [40, 41, 42]);
        // Within a crowd nothing changes.
        let mut among: Vec<u32> = near[20].clone();
        among.sort();
        assert_eq!(among, [17, 18, 19, 21, 22, 23]);
    }

    #[test]
    fn few_points_and_equal_points_have_the_pairs_that_there_are() {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        for points in 0..40 {
            let pairs = Pairs::choose(&circle(&vec![30.0; points]), 2, &mut random).unwrap();
            let others = points.saturating_sub(1);
            let near = (others / 3).min(10);
            assert_eq!(pairs.near.len(), points * near);
            assert_eq!(pairs.mid_near.len(), points * (near / 2));
            assert_eq!(pairs.further.len(), points * 2 * near);
        }
    }

    #[test]
    fn more_points_have_more_neighbours() {
        assert_eq!([100, 10_000, 16_384, 100_000].map(neighbours), [10, 10, 13, 25]);
    }
}
