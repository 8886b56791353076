//! Dead latents begin anew at what is explained worst (Bricken et al. 2023, "Towards
//! Monosemanticity", "Neuron resampling").

use rand::SeedableRng;
use rand::seq::index::sample_weighted;
use rand_chacha::ChaCha8Rng;

use super::encode::{encode, value};
use super::parameters::Parameters;
use super::rows::{add, dot, row, row_mut};
use super::training::{Training, start_of_thresholds};

/// How long a new encoder row is, over the mean of those that fire.
const LENGTH: f32 = 0.2;

/// Gives each dead latent an example of its own, drawn by the square of its loss, and says how many
/// that were: where examples are fewer, the others wait. Its decoder row is the example's direction,
/// its encoder row too, its biases are nothing, and the optimizer knows nothing of it.
pub fn resample(training: &mut Training, examples: &[f32]) -> usize {
    let dead = training.dead();
    let channels = training.config.channels;
    let count = examples.len() / channels;
    let mut left = examples.to_vec();
    left.chunks_exact_mut(channels)
        .for_each(|example| add(example, &training.parameters.decoder_bias, -1.0));
    let from_bias = left.clone();
    let seen = if training.config.centred { &from_bias } else { examples };
    let codes = encode(&training.config, &training.parameters, seen, &[]).chosen;
    let mut weights = Vec::with_capacity(count);
    for (place, left) in left.chunks_exact_mut(channels).enumerate() {
        for used in codes.of(place..place + 1) {
            let direction = row(&training.parameters.decoder, used.latent as usize, channels);
            add(left, direction, -value(&training.config, &training.parameters, used));
        }
        weights.push(f64::from(dot(left, left)).powi(2));
    }
    let mut random = ChaCha8Rng::seed_from_u64(training.seed);
    // The first stream is that of how it began.
    random.set_stream(1 + training.step);
    let drawn = sample_weighted(&mut random, count, |place| weights[place], dead.len());
    // Examples that are all explained have nothing to give.
    let Ok(drawn) = drawn else { return 0 };
    let length = LENGTH * mean_length(training, &dead);
    let mut renewed = 0;
    for (&latent, place) in dead.iter().zip(drawn) {
        let example = row(&from_bias, place, channels);
        let norm = dot(example, example).sqrt();
        if norm == 0.0 || weights[place] == 0.0 {
            continue;
        }
        renew(training, latent as usize, example, norm, length);
        renewed += 1;
    }
    renewed
}

/// Of the encoder rows of those latents that fire.
fn mean_length(training: &Training, dead: &[u32]) -> f32 {
    let channels = training.config.channels;
    let rows = (0..).zip(training.parameters.encoder.chunks_exact(channels));
    let alive = rows.filter(|(latent, _)| dead.binary_search(latent).is_err());
    let (mut sum, mut count) = (0.0, 0_u32);
    for (_, row) in alive {
        sum += f64::from(dot(row, row).sqrt());
        count += 1;
    }
    if count == 0 { 1.0 } else { (sum / f64::from(count)) as f32 }
}

fn renew(training: &mut Training, latent: usize, example: &[f32], norm: f32, length: f32) {
    let channels = training.config.channels;
    let latents = training.config.latents;
    let [first, second] = &mut training.moments;
    for numbers in [&mut training.parameters, first, second] {
        for (name, values) in Parameters::NAMES.into_iter().zip(numbers.all_mut()) {
            // What a kind of dictionary does not have is empty.
            if name != "decoder bias" && !values.is_empty() {
                let width = values.len() / latents;
                values[latent * width..][..width].fill(0.0);
            }
        }
    }
    let parameters = &mut training.parameters;
    add(row_mut(&mut parameters.decoder, latent, channels), example, norm.recip());
    add(row_mut(&mut parameters.encoder, latent, channels), example, length / norm);
    if let Some(threshold) = parameters.threshold.get_mut(latent) {
        *threshold = start_of_thresholds(&training.config, &training.options);
    }
    training.silent[latent] = 0;
}
