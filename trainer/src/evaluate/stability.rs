//! How alike decoder rows are: within a dictionary, and between those of two seeds.

use pathfinding::matrix::Matrix;
use pathfinding::prelude::kuhn_munkres;
use rayon::prelude::*;
use shared::readout::dictionary::Dictionary;
use shared::readout::dictionary::rows::dot;

/// Up to so many latents, partners are found so that no two latents share one; the time grows with
/// the third power.
const MATCHED: usize = 4096;

/// Steps of a cosine that a matching tells apart.
const STEPS: f32 = 1e6;

/// Each latent's partner in another dictionary.
#[derive(Clone, Debug, PartialEq)]
pub struct Partners {
    /// Which, for each latent.
    pub partners: Vec<usize>,
    /// Cosines of their decoder rows.
    pub cosines: Vec<f32>,
    /// No two latents share one.
    pub is_matching: bool,
}

/// Each latent's partner among as many latents or more: those that make the sum of cosines largest,
/// no two sharing one (Hungarian method); of large dictionaries each latent's most alike.
pub fn partners(one: &Dictionary, other: &Dictionary) -> Partners {
    let (count, others) = (one.config().latents, other.config().latents);
    let [rows, columns] = [one, other].map(unit_rows);
    let channels = one.config().channels;
    let cosines = |latent: usize| -> Vec<f32> {
        let row = &rows[latent * channels..][..channels];
        columns.chunks_exact(channels).map(|column| dot(row, column)).collect()
    };
    if count <= others && others <= MATCHED {
        let all: Vec<Vec<f32>> = (0..count).into_par_iter().map(cosines).collect();
        if let Some(partners) = matching(&all) {
            let cosines = partners.iter().zip(&all).map(|(&other, row)| row[other]).collect();
            return Partners { partners, cosines, is_matching: true };
        }
    }
    let best = |latent: usize| {
        let cosines = cosines(latent).into_iter().enumerate();
        cosines.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or((0, 0.0))
    };
    let (partners, cosines) = (0..count).into_par_iter().map(best).unzip();
    Partners { partners, cosines, is_matching: false }
}

/// A column for each row of a matrix of cosines so that their sum is largest and no two rows share
/// one. Nothing where there are more rows than columns, or too many of these.
pub fn matching(cosines: &[Vec<f32>]) -> Option<Vec<usize>> {
    let columns = cosines.first()?.len();
    if columns < cosines.len() || MATCHED < columns {
        return None;
    }
    let weights = cosines.iter().flatten().map(|cosine| (cosine * STEPS) as i64).collect();
    let weights = Matrix::from_vec(cosines.len(), columns, weights).ok()?;
    Some(kuhn_munkres(&weights).1)
}

/// The latents whose decoder rows are most alike to each one's, best first.
pub fn nearest(dictionary: &Dictionary, count: usize) -> Vec<Vec<usize>> {
    let rows = unit_rows(dictionary);
    let channels = dictionary.config().channels;
    let of = |latent: usize| {
        let row = &rows[latent * channels..][..channels];
        let others = rows.chunks_exact(channels).enumerate();
        let others = others.filter(|(other, _)| *other != latent);
        let mut cosines: Vec<_> = others.map(|(other, column)| (dot(row, column), other)).collect();
        cosines.sort_by(|one, other| other.0.total_cmp(&one.0));
        cosines.into_iter().take(count).map(|(_, other)| other).collect()
    };
    (0..dictionary.config().latents).into_par_iter().map(of).collect()
}

/// Decoder rows of length 1.
///
/// # Shapes
/// - returns: `[latents, channels]`
pub fn unit_rows(dictionary: &Dictionary) -> Vec<f32> {
    let mut rows = dictionary.parameters().decoder.clone();
    for row in rows.chunks_exact_mut(dictionary.config().channels) {
        let length = dot(row, row).sqrt();
        row.iter_mut().for_each(|value| *value /= length.max(f32::MIN_POSITIVE));
    }
    rows
}

#[cfg(test)]
mod tests {
    use shared::readout::dictionary::{Activation, Config, Parameters};

    use super::*;

    /// Directions in the plane, by their angles in degrees.
    fn dictionary(angles: &[f32]) -> Dictionary {
        let latents = angles.len();
        let config = Config {
            channels: 2,
            latents,
            activation: Activation::TopK { k: 1 },
            centred: false,
            prefixes: vec![latents],
            revival: None,
        };
        let rows = angles.iter().flat_map(|angle| {
            let (sine, cosine) = angle.to_radians().sin_cos();
            [2.0 * cosine, 2.0 * sine]
        });
        let parameters = Parameters { decoder: rows.collect(), ..Parameters::zeros(&config) };
        Dictionary::new(config, parameters).unwrap()
    }

    #[test]
    fn no_two_latents_share_a_partner_even_where_both_like_it_best() {
        let (one, other) = (dictionary(&[0.0, 10.0]), dictionary(&[4.0, 60.0]));
        let found = partners(&one, &other);
        assert_eq!((found.partners.as_slice(), found.is_matching), (&[0, 1][..], true));
        for (cosine, angle) in found.cosines.iter().zip([4.0_f32, 50.0]) {
            assert!((cosine - angle.to_radians().cos()).abs() < 1e-5);
        }
        let reordered = partners(&other, &dictionary(&[60.0, 4.0]));
        assert_eq!(reordered.partners, [1, 0]);
        assert!(reordered.cosines.iter().all(|cosine| 0.9999 < *cosine));
    }

    #[test]
    fn the_nearest_come_first_and_none_is_its_own() {
        let found = nearest(&dictionary(&[0.0, 10.0, 30.0, 170.0]), 2);
        assert_eq!(found, [vec![1, 2], vec![0, 2], vec![1, 0], vec![2, 1]]);
    }
}
