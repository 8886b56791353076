//! Where a dictionary's latents stand on a map of two dimensions: those whose decoder rows are alike
//! stand together.
//!
//! The map is PaCMAP's: Wang, Huang, Rudin and Shaposhnik 2021, "Understanding How Dimension Reduction
//! Tools Work", JMLR 22(201), with the paper's weights, phases and numbers of pairs.

mod layout;
mod pairs;

use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::readout::dictionary::Dictionary;
use shared::readout::dictionary::rows::{add, dot};

use self::pairs::Pairs;
use crate::evaluate::stability::unit_rows;

/// What pairs are drawn with: the same dictionary, the same map.
const SEED: u64 = 0;

/// How often the two directions of most variance are made better. They are only where a layout
/// begins, so directions that others nearly equal are as good.
const ROUNDS: usize = 30;

/// How far apart points begin, over how far apart they are.
const START: f32 = 0.01;

/// The place of each latent, each number from -1 to 1; the longer side of what they cover is all of
/// that. Latents that fire on nothing have none: they are left out, and `[0, 0]` stands for theirs.
///
/// # Errors
/// Ctrl-C.
pub fn places(dictionary: &Dictionary, fires: &[bool]) -> Result<Vec<[f32; 2]>> {
    let channels = dictionary.config().channels;
    let rows = unit_rows(dictionary);
    let firing = || rows.chunks_exact(channels).zip(fires).filter(|(_, fires)| **fires);
    let rows: Vec<f32> = firing().flat_map(|(row, _)| row.iter().copied()).collect();
    let mut found = within(map(&rows, channels, SEED)?).into_iter();
    let place = |fires: &bool| fires.then(|| found.next()).flatten().unwrap_or_default();
    Ok(fires.iter().map(place).collect())
}

/// Points for rows of length 1, `[points, channels]`, in units of the layout.
fn map(rows: &[f32], channels: usize, seed: u64) -> Result<Vec<[f32; 2]>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let start = components(rows, channels, &mut random);
    let pairs = Pairs::choose(rows, channels, &mut random)?;
    layout::settle(start, &pairs)
}

/// Rows along the two directions in which they differ most, by orthogonal iteration, [`START`] as far
/// apart.
fn components(rows: &[f32], channels: usize, random: &mut ChaCha8Rng) -> Vec<[f32; 2]> {
    let mut mean = vec![0.0; channels];
    let count = (rows.len() / channels).max(1) as f32;
    rows.chunks_exact(channels).for_each(|row| add(&mut mean, row, 1.0 / count));
    let mut directions: [Vec<f32>; 2] =
        std::array::from_fn(|_| (0..channels).map(|_| random.random_range(-1.0..1.0)).collect());
    let along = |directions: &[Vec<f32>; 2], row: &[f32]| {
        directions.each_ref().map(|direction| dot(direction, row) - dot(direction, &mean))
    };
    for _ in 0..ROUNDS {
        let mut next = [vec![0.0; channels], vec![0.0; channels]];
        for row in rows.chunks_exact(channels) {
            let along = along(&directions, row);
            next.iter_mut().zip(along).for_each(|(sum, share)| add(sum, row, share));
        }
        let [first, second] = &mut next;
        to_unit(first);
        let shared = dot(first, second);
        add(second, first, -shared);
        to_unit(second);
        directions = next;
    }
    let point = |row| along(&directions, row).map(|share| START * share);
    rows.chunks_exact(channels).map(point).collect()
}

fn to_unit(row: &mut [f32]) {
    let length = dot(row, row).sqrt().max(f32::MIN_POSITIVE);
    row.iter_mut().for_each(|value| *value /= length);
}

/// Moved and scaled, both axes alike, so that the longer side of what they cover is -1 to 1.
fn within(points: Vec<[f32; 2]>) -> Vec<[f32; 2]> {
    let side = |axis: usize| {
        let along = || points.iter().map(|point| point[axis]);
        [along().fold(f32::INFINITY, f32::min), along().fold(f32::NEG_INFINITY, f32::max)]
    };
    let sides = [side(0), side(1)];
    let half = sides.iter().map(|[from, to]| (to - from) / 2.0).fold(f32::MIN_POSITIVE, f32::max);
    let place = |axis: usize, number: f32| {
        let [from, to] = sides[axis];
        // Less the least first: points may be closer to each other than to zero.
        ((number - from - (to - from) / 2.0) / half).clamp(-1.0, 1.0)
    };
    points.iter().map(|[across, up]| [place(0, *across), place(1, *up)]).collect()
}

#[cfg(test)]
mod tests;
