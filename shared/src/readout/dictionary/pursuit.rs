//! Matching pursuit: latents are taken one after the other, each the one that explains most of what
//! is left (Mallat and Zhang 1993; as an encoder of dictionaries Costa et al. 2025,
//! arXiv:2506.03093).

use burn::tensor::Tensor;

use super::codes::{Codes, Use};
use super::rows::{add, dot, row};
use super::top::largest;
use crate::ops::flex::parallel;
use crate::ops::flex::product::{Matrix, Onto, multiply};
use crate::ops::product;

/// How long it goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pursuit {
    /// Latents that are taken at most.
    pub rounds: usize,
    /// What is left is little enough where it is shorter than this.
    pub residual: f32,
    /// It ends where a latent is taken that is there already.
    pub until_repeated: bool,
}

/// Products that are computed at a time: 64 MiB of them.
const AT_ONCE: usize = 1 << 24;

impl Pursuit {
    /// What examples are made of, on the processor; the values are how much of a row is taken.
    ///
    /// # Shapes
    /// - `rows`: `[latents, channels]`, what latents stand for
    /// - `examples`: `[examples, channels]`, without the decoder's bias where it is taken off
    pub fn codes(&self, rows: &[f32], examples: &[f32], channels: usize) -> Codes {
        let latents = rows.len() / channels;
        let count = examples.len() / channels;
        let together = (AT_ONCE / latents).clamp(1, count.max(1));
        let mut products = vec![0.0; together * latents];
        let mut codes = Codes::default();
        for block in examples.chunks(together * channels) {
            for mut uses in self.block(rows, block, channels, &mut products) {
                uses.sort_by_key(|used| used.latent);
                codes.push(uses);
            }
        }
        codes
    }

    /// Of some examples, each's in the order in which they are taken.
    fn block(
        &self,
        rows: &[f32],
        examples: &[f32],
        channels: usize,
        products: &mut [f32],
    ) -> Vec<Vec<Use>> {
        let latents = rows.len() / channels;
        let columns =
            Matrix { values: rows, rows: channels, columns: latents, strides: [1, channels] };
        let count = examples.len() / channels;
        let mut taken = vec![Vec::new(); count];
        let (mut going, mut left) = ((0..count).collect::<Vec<_>>(), examples.to_vec());
        for _ in 0..self.rounds {
            if going.is_empty() {
                break;
            }
            let products = &mut products[..going.len() * latents];
            multiply(Onto::Nothing, products, latents, Matrix::dense(&left, channels), columns);
            let products = &*products;
            let most = parallel::map(parallel::shares(going.len(), 1), |share| {
                share.map(|place| largest(row(products, place, latents))).collect::<Vec<_>>()
            });
            let (mut still, mut rest) = (Vec::new(), Vec::new());
            for ((&example, latent), left) in
                going.iter().zip(most.into_iter().flatten()).zip(left.chunks_exact_mut(channels))
            {
                if self.take(latent, row(rows, latent, channels), left, &mut taken[example]) {
                    still.push(example);
                    rest.extend_from_slice(left);
                }
            }
            (going, left) = (still, rest);
        }
        taken
    }

    /// Takes a latent off what is left; whether there is more to do.
    fn take(
        &self,
        latent: usize,
        direction: &[f32],
        left: &mut [f32],
        uses: &mut Vec<Use>,
    ) -> bool {
        let value = dot(left, direction);
        if value <= 0.0 {
            return false;
        }
        add(left, direction, -value);
        let latent = latent as u32;
        let known = uses.iter_mut().find(|used| used.latent == latent);
        let is_repeated = known.is_some();
        match known {
            Some(used) => used.pre += value,
            None => uses.push(Use { latent, pre: value }),
        }
        let is_little = 0.0 < self.residual && dot(left, left).sqrt() < self.residual;
        !(is_little || self.until_repeated && is_repeated)
    }

    /// The same of tensors; equally large latents are taken together.
    ///
    /// # Shapes
    /// - `columns`: `[channels, latents]`, what latents stand for
    /// - `examples`: `[examples, channels]`
    /// - returns: `[examples, latents]`
    pub fn on_device(&self, columns: Tensor<2>, examples: Tensor<2>) -> Tensor<2> {
        let ([_, latents], [count, _]) = (columns.dims(), examples.dims());
        let device = examples.device();
        let mut taken = Tensor::<2>::zeros([count, latents], &device);
        let mut going = Tensor::<2>::ones([count, 1], &device);
        let mut left = examples;
        for _ in 0..self.rounds {
            let products = product(left.clone(), columns.clone());
            let most = products.clone().max_dim(1);
            let is_most = products.clone().greater_equal(most.clone().expand([count, latents]));
            going = going * most.greater_elem(0.0).float();
            let now = products * is_most.clone().float() * going.clone();
            if self.until_repeated {
                let again = is_most.float() * taken.clone().greater_elem(0.0).float();
                going = going * again.max_dim(1).equal_elem(0.0).float();
            }
            left = left - product(now.clone(), columns.clone().transpose());
            taken = taken + now;
            if 0.0 < self.residual {
                let length = left.clone().square().sum_dim(1).sqrt();
                going = going * length.greater_equal_elem(self.residual).float();
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const CHANNELS: usize = 20;

    /// Word by word: `[latents]` of one example.
    fn plainly(pursuit: &Pursuit, rows: &[f32], example: &[f32]) -> Vec<f32> {
        let mut left = example.to_vec();
        let mut found = vec![0.0; rows.len() / CHANNELS];
        for _ in 0..pursuit.rounds {
            let products: Vec<f32> = rows
                .chunks_exact(CHANNELS)
                .map(|row| row.iter().zip(&left).map(|(a, b)| a * b).sum())
                .collect();
            let best = (0..products.len()).max_by(|a, b| products[*a].total_cmp(&products[*b]));
            let best = best.unwrap();
            if products[best] <= 0.0 {
                break;
            }
            let repeated = found[best] != 0.0;
            found[best] += products[best];
            for channel in 0..CHANNELS {
                left[channel] -= products[best] * rows[best * CHANNELS + channel];
            }
            let length = left.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length < pursuit.residual || (repeated && pursuit.until_repeated) {
                break;
            }
        }
        found
    }

    #[test]
    fn it_takes_what_the_obvious_way_takes_on_the_processor_and_on_a_device() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut draw =
            |count: usize| (0..count).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let mut rows = draw(30 * CHANNELS);
        for row in rows.chunks_exact_mut(CHANNELS) {
            let length = dot(row, row).sqrt();
            row.iter_mut().for_each(|value| *value /= length);
        }
        let examples = draw(25 * CHANNELS);
        let device = crate::device::cpu();
        let tensor = |values: &[f32], rows: usize| {
            let data = burn::tensor::TensorData::new::<f32, _>(values.to_vec(), [rows, CHANNELS]);
            Tensor::<2>::from_data(data, &device)
        };
        let mut lengths = Vec::new();
        for (rounds, residual, until_repeated) in
            [(1, 0.0, false), (6, 0.0, false), (40, 0.0, true), (40, 0.9, false), (9, 0.5, true)]
        {
            let pursuit = Pursuit { rounds, residual, until_repeated };
            let codes = pursuit.codes(&rows, &examples, CHANNELS);
            let read = pursuit.on_device(tensor(&rows, 30).transpose(), tensor(&examples, 25));
            let read = pollster::block_on(crate::device::read(read)).unwrap();
            for (place, example) in examples.chunks_exact(CHANNELS).enumerate() {
                let expected = plainly(&pursuit, &rows, example);
                let mut found = [0.0; 30];
                for used in codes.of(place..place + 1) {
                    found[used.latent as usize] = used.pre;
                }
                for latent in 0..30 {
                    let [here, there] = [found[latent], read[place * 30 + latent]];
                    assert!((here - expected[latent]).abs() < 1e-5, "{pursuit:?}");
                    assert!((there - expected[latent]).abs() < 1e-5, "{pursuit:?}");
                }
            }
            lengths.push(codes.uses.len());
        }
        // Every rule ends some of them earlier or later than another.
        assert_eq!(lengths[0], 25);
        lengths.dedup();
        assert_eq!(lengths.len(), 5, "{lengths:?}");
    }
}
