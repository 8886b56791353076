//! Work shared out over cores, where the platform has threads: natively, not in a browser's wasm.
//!
//! Work is cut into one large share a core: handing one over costs microseconds, as much as a
//! small layer takes.

use std::ops::Range;

/// Does `work` on every piece of `length` values, given the piece's index and something to work
/// with that `prepare` makes once for each share.
pub fn each_piece<S>(
    values: &mut [f32],
    length: usize,
    prepare: impl Fn() -> S + Sync,
    work: impl Fn(usize, &mut [f32], &mut S) + Sync,
) {
    let length = length.max(1);
    let share = values.len().div_ceil(length).div_ceil(cores()).max(1);
    each_share(values, share * length, |index, values| {
        let mut state = prepare();
        for (place, piece) in values.chunks_mut(length).enumerate() {
            work(index * share + place, piece, &mut state);
        }
    });
}

/// Ranges that make up `0..length`, one for each core, beginning at multiples of `grain`.
pub fn shares(length: usize, grain: usize) -> Vec<Range<usize>> {
    let share = grain * length.div_ceil(grain).div_ceil(cores()).max(1);
    (0..length).step_by(share).map(|from| from..(from + share).min(length)).collect()
}

#[cfg(not(target_family = "wasm"))]
fn cores() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(target_family = "wasm"))]
fn each_share(values: &mut [f32], length: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    use rayon::prelude::*;
    values.par_chunks_mut(length).enumerate().for_each(|(index, values)| work(index, values));
}

/// Does `work` on each of a few things at the same time.
#[cfg(not(target_family = "wasm"))]
pub fn all<T: Send>(things: Vec<T>, work: impl Fn(T) + Send + Sync) {
    use rayon::prelude::*;
    things.into_par_iter().for_each(work);
}

/// What `work` makes of each of a few things, in their order, all at the same time.
#[cfg(not(target_family = "wasm"))]
pub fn map<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    use rayon::prelude::*;
    things.into_par_iter().map(work).collect()
}

#[cfg(target_family = "wasm")]
fn cores() -> usize {
    1
}

#[cfg(target_family = "wasm")]
fn each_share(values: &mut [f32], length: usize, work: impl Fn(usize, &mut [f32])) {
    values.chunks_mut(length).enumerate().for_each(|(index, values)| work(index, values));
}

/// Does `work` on each of a few things.
#[cfg(target_family = "wasm")]
pub fn all<T>(things: Vec<T>, work: impl Fn(T)) {
    things.into_iter().for_each(work);
}

/// What `work` makes of each of a few things, in their order.
#[cfg(target_family = "wasm")]
pub fn map<T, R>(things: Vec<T>, work: impl Fn(T) -> R) -> Vec<R> {
    things.into_iter().map(work).collect()
}
