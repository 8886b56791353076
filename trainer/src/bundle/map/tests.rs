use rand::RngExt;
use rand_distr::StandardNormal;
use shared::readout::dictionary::{Activation, Config, Parameters};

use super::*;

fn normals(count: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| random.sample::<f32, _>(StandardNormal)).collect()
}

/// Rows of length 1 around so many directions, one after the other, each so far off its own.
fn crowds(crowds: usize, each: usize, channels: usize, off: f32) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut rows = Vec::new();
    for _ in 0..crowds {
        let mut middle = normals(channels, &mut random);
        to_unit(&mut middle);
        for _ in 0..each {
            let mut row = middle.clone();
            add(&mut row, &normals(channels, &mut random), off / (channels as f32).sqrt());
            to_unit(&mut row);
            rows.extend(row);
        }
    }
    rows
}

/// All other points, the nearest first, for each.
fn ranked(count: usize, distance: impl Fn(usize, usize) -> f32) -> Vec<Vec<usize>> {
    let of = |point: usize| {
        let mut others: Vec<usize> = (0..count).filter(|other| *other != point).collect();
        others.sort_by(|a, b| distance(point, *a).total_cmp(&distance(point, *b)));
        others
    };
    (0..count).map(of).collect()
}

fn ranked_in_space(rows: &[f32], channels: usize) -> Vec<Vec<usize>> {
    let row = |point: usize| &rows[point * channels..][..channels];
    ranked(rows.len() / channels, |one, other| -dot(row(one), row(other)))
}

fn ranked_on_map(points: &[[f32; 2]]) -> Vec<Vec<usize>> {
    ranked(points.len(), |one, other| {
        let [one, other] = [points[one], points[other]];
        (one[0] - other[0]).hypot(one[1] - other[1])
    })
}

/// The share of each point's nearest that are among its nearest on the map.
fn kept(space: &[Vec<usize>], map: &[Vec<usize>], nearest: usize) -> f32 {
    let of = |(space, map): (&Vec<usize>, &Vec<usize>)| {
        space[..nearest].iter().filter(|other| map[..nearest].contains(other)).count()
    };
    space.iter().zip(map).map(of).sum::<usize>() as f32 / (nearest * space.len()) as f32
}

/// Trustworthiness (Venna and Kaski 2001): 1 where no point is near on the map that is not near in
/// space; about a half where places mean nothing.
fn trustworthiness(space: &[Vec<usize>], map: &[Vec<usize>], nearest: usize) -> f64 {
    let points = space.len();
    let beyond = |(space, map): (&Vec<usize>, &Vec<usize>)| -> usize {
        let rank = |other: &usize| space.iter().position(|one| one == other).unwrap() + 1;
        map[..nearest].iter().map(|other| rank(other).saturating_sub(nearest)).sum()
    };
    let sum: usize = space.iter().zip(map).map(beyond).sum();
    let most = points * nearest * (2 * points - 3 * nearest - 1);
    1.0 - 2.0 * sum as f64 / most as f64
}

#[test]
fn crowds_stay_together_and_apart_from_each_other() {
    let (each, channels) = (40, 24);
    let rows = crowds(12, each, channels, 0.5);
    let points = map(&rows, channels, 1).unwrap();
    let map = ranked_on_map(&points);
    let own = |(point, others): (usize, &Vec<usize>)| {
        others[..10].iter().filter(|other| **other / each == point / each).count()
    };
    let own = map.iter().enumerate().map(own).sum::<usize>() as f32 / (10 * points.len()) as f32;
    assert!(0.97 < own, "{own} of a point's neighbours are of its crowd");
    // By chance a fiftieth would be kept, and a quarter of those of one's own crowd.
    let kept = kept(&ranked_in_space(&rows, channels), &map, 10);
    assert!(0.35 < kept, "{kept} of all neighbours are kept");
}

#[test]
fn directions_that_blend_into_each_other_lie_where_they_can_be_trusted() {
    // Each row is a blend of two of fifteen directions that are next to each other on a ring.
    let (channels, count) = (32, 600);
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let ring: Vec<Vec<f32>> = (0..15).map(|_| normals(channels, &mut random)).collect();
    let mut rows = Vec::new();
    for point in 0..count {
        let along = 15.0 * point as f32 / count as f32;
        let (at, share) = (along as usize, along.fract());
        let mut row = vec![0.0; channels];
        add(&mut row, &ring[at], 1.0 - share);
        add(&mut row, &ring[(at + 1) % 15], share);
        add(&mut row, &normals(channels, &mut random), 0.1);
        to_unit(&mut row);
        rows.extend(row);
    }
    let points = map(&rows, channels, 1).unwrap();
    let (space, map) = (ranked_in_space(&rows, channels), ranked_on_map(&points));
    let trusted = trustworthiness(&space, &map, 10);
    assert!(0.95 < trusted, "{trusted}");
    // The same measure of places that mean nothing.
    let drawn: Vec<[f32; 2]> = (0..count).map(|_| [random.random(), random.random()]).collect();
    let by_chance = trustworthiness(&space, &ranked_on_map(&drawn), 10);
    assert!((0.4..0.6).contains(&by_chance), "{by_chance}");
}

#[test]
fn a_layout_begins_along_the_two_longest_axes() {
    // 3, 2 and 1 to either side of (5, 5, 5).
    let mut rows = Vec::new();
    for (axis, length) in [3.0, 2.0, 1.0].into_iter().enumerate() {
        for sign in [-1.0, 1.0] {
            let mut row = [5.0; 3];
            row[axis] += sign * length;
            rows.extend(row);
        }
    }
    let found = components(&rows, 3, &mut ChaCha8Rng::seed_from_u64(0));
    for (point, expected) in found.iter().zip([[3.0, 0.0], [3.0, 0.0], [0.0, 2.0], [0.0, 2.0]]) {
        let found = point.map(|share| (share / START).abs());
        assert!((0..2).all(|axis| (found[axis] - expected[axis]).abs() < 1e-3), "{found:?}");
    }
}

fn dictionary(rows: Vec<f32>, channels: usize) -> Dictionary {
    let latents = rows.len() / channels;
    let config = Config {
        channels,
        latents,
        activation: Activation::TopK { k: 1 },
        centred: false,
        prefixes: vec![latents],
        revival: None,
    };
    let parameters = Parameters { decoder: rows, ..Parameters::zeros(&config) };
    Dictionary::new(config, parameters).unwrap()
}

#[test]
fn places_fill_their_range_depend_on_directions_alone_and_the_dead_have_none() {
    let channels = 16;
    let rows = crowds(8, 20, channels, 0.5);
    let fires: Vec<bool> = (0..160).map(|latent| latent % 7 != 3).collect();
    let found = places(&dictionary(rows.clone(), channels), &fires).unwrap();
    let numbers = || found.iter().flatten();
    assert!(numbers().all(|number| (-1.0..=1.0).contains(number)));
    assert_eq!(numbers().copied().reduce(f32::min), Some(-1.0));
    assert_eq!(numbers().copied().reduce(f32::max), Some(1.0));
    let without = found.iter().zip(&fires).filter(|(_, fires)| !**fires);
    assert!(without.clone().count() == 23 && without.clone().all(|(place, _)| *place == [0.0; 2]));
    // Longer rows, and other ones of the dead, change nothing.
    let mut others: Vec<f32> = rows.iter().map(|value| 4.0 * value).collect();
    for (row, fires) in others.chunks_exact_mut(channels).zip(&fires) {
        if !fires {
            row.fill(1.0);
        }
    }
    assert_eq!(places(&dictionary(others, channels), &fires).unwrap(), found);
}

#[test]
fn few_latents_equal_ones_and_none_have_places_too() {
    for count in [0, 1, 2, 3, 11, 40] {
        for rows in [crowds(count, 1, 8, 0.5), vec![0.5; 8 * count], vec![0.0; 8 * count]] {
            let points = within(map(&rows, 8, 2).unwrap());
            assert_eq!(points.len(), count);
            assert!(points.iter().flatten().all(|number| (-1.0..=1.0).contains(number)));
        }
    }
}
