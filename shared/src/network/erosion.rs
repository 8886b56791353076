//! A network made a slightly different one for each picture.

use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Makes a network a slightly different one for each picture: where paths join, in a residual
/// block and in a module of branches, each of them counts by a random factor. What excites many
/// such relatives is less peculiar to one network. After Li et al. 2020, "Learning Transferable
/// Adversarial Examples via Ghost Networks" (arXiv:1812.03413), "skip connection erosion", here
/// also for branches.
#[derive(Clone, Debug, Default)]
pub struct Erosion(Option<(f32, ChaCha8Rng)>);

impl Erosion {
    /// Factors evenly from `1 - strength` to `1 + strength`; 0 leaves the network as it is.
    pub fn new(strength: f64, seed: u64) -> Self {
        let random = || (strength as f32, ChaCha8Rng::seed_from_u64(seed));
        Self((strength != 0.0).then(random))
    }

    /// Paths that were joined, each of so many channels: every picture's by its factors.
    ///
    /// # Shapes
    /// - `joined`: `[batch, sum of channels, height, width]`
    /// - returns: the same
    pub(super) fn of_paths(&mut self, joined: Tensor<4>, channels: &[usize]) -> Tensor<4> {
        let Some((strength, random)) = &mut self.0 else { return joined };
        let [batch, total, _, _] = joined.dims();
        let mut factors = Vec::with_capacity(batch * total);
        for _ in 0..batch {
            for &channels in channels {
                let factor = 1.0 + *strength * random.random_range(-1.0..=1.0);
                factors.extend(std::iter::repeat_n(factor, channels));
            }
        }
        let factors = TensorData::new(factors, [batch, total, 1, 1]);
        let factors = Tensor::from_data(factors, &joined.device());
        joined * factors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::cpu;

    /// What two paths, of two channels and one, of a batch of two come to when all hold ones:
    /// `[picture][channel]`.
    fn eroded(erosion: &mut Erosion) -> [[f32; 3]; 2] {
        let joined = Tensor::<4>::ones([2, 3, 2, 2], &cpu());
        let values = erosion.of_paths(joined, &[2, 1]).into_data().try_to_vec::<f32>().unwrap();
        let channels: Vec<f32> = values
            .chunks(4)
            .map(|places| {
                assert!(places.iter().all(|value| *value == places[0]), "{places:?}");
                places[0]
            })
            .collect();
        [[channels[0], channels[1], channels[2]], [channels[3], channels[4], channels[5]]]
    }

    #[test]
    fn each_path_of_each_picture_has_a_factor_of_its_own_within_the_range() {
        let mut erosion = Erosion::new(0.3, 5);
        let mut factors = Vec::new();
        for _ in 0..50 {
            for [first, same, other] in eroded(&mut erosion) {
                assert_eq!(first, same);
                factors.extend([first, other]);
            }
        }
        assert!(factors.iter().all(|factor| (0.7..=1.3).contains(factor)), "{factors:?}");
        factors.sort_by(f32::total_cmp);
        assert!(factors.windows(2).all(|pair| pair[0] < pair[1]), "no two are alike");
        assert!(factors[0] < 0.72 && 1.28 < factors[199], "{} {}", factors[0], factors[199]);
    }

    #[test]
    fn the_same_seed_gives_the_same_network_and_strength_0_the_network_itself() {
        assert_eq!(eroded(&mut Erosion::new(0.2, 7)), eroded(&mut Erosion::new(0.2, 7)));
        assert_ne!(eroded(&mut Erosion::new(0.2, 7)), eroded(&mut Erosion::new(0.2, 8)));
        assert_eq!(eroded(&mut Erosion::new(0.0, 7)), [[1.0; 3]; 2]);
    }
}
