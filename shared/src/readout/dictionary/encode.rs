//! Which latents examples use, on the processor: of some thousand latents an example has some
//! dozen, and only these are kept.

use super::codes::{Codes, Use};
use super::config::{Activation, Config, Revival};
use super::parameters::Parameters;
use super::top::{Room, top_k};
use crate::ops::flex::parallel;
use crate::ops::flex::product::{Matrix, Onto, multiply};

/// Values that are computed before the few that count are picked out: 64 MiB of them.
const AT_ONCE: usize = 1 << 24;

/// What encoding finds.
#[derive(Debug, Default)]
pub struct Encoded {
    /// What examples use. Of JumpReLU also what is not above its threshold, but near it.
    pub chosen: Codes,
    /// The most excited of the dead, or all of them with their exponentials.
    pub dead: Codes,
    /// The smallest value that BatchTopK kept.
    pub least: Option<f32>,
}

/// Encodes examples; `dead` are latents in ascending order, by number.
///
/// # Shapes
/// - `centred`: `[examples, channels]`, without the decoder's bias where the dictionary takes it off
pub fn encode(config: &Config, parameters: &Parameters, centred: &[f32], dead: &[u32]) -> Encoded {
    let &Config { channels, latents, activation, .. } = config;
    let examples = centred.len() / channels;
    let rows_at_once = (AT_ONCE / latents).clamp(1, examples.max(1));
    let mut pre = vec![0.0; rows_at_once * latents];
    let mut encoded = Encoded::default();
    // Of BatchTopK: nothing below is among the largest of the batch.
    let mut bound = 0.0;
    let gated = matches!(activation, Activation::Gated { .. });
    for block in centred.chunks(rows_at_once * channels) {
        let rows = block.len() / channels;
        let pre = &mut pre[..rows * latents];
        if gated {
            pre.fill(0.0);
        } else {
            pre.chunks_exact_mut(latents)
                .for_each(|row| row.copy_from_slice(&parameters.encoder_bias));
        }
        let encoder = Matrix {
            values: &parameters.encoder,
            rows: channels,
            columns: latents,
            strides: [1, channels],
        };
        multiply(Onto::Itself, pre, latents, Matrix::dense(block, channels), encoder);
        let pre = &*pre;
        let parts = parallel::map(parallel::shares(rows, 1), |rows| {
            let mut part = Encoded::default();
            let mut picking = Picking::default();
            for row in pre[rows.start * latents..rows.end * latents].chunks_exact(latents) {
                picking.chosen(config, parameters, row, bound, &mut part.chosen);
                picking.dead(config, parameters, row, dead, &mut part.dead);
            }
            part
        });
        for part in parts {
            encoded.chosen.append(part.chosen);
            encoded.dead.append(part.dead);
        }
        if let Activation::BatchTopK { k } = activation {
            bound = cut(&mut encoded.chosen, k * examples).unwrap_or(bound);
        }
    }
    if matches!(activation, Activation::BatchTopK { .. }) {
        let values = encoded.chosen.uses.iter().map(|used| used.pre);
        encoded.least = values.min_by(f32::total_cmp);
    }
    encoded
}

/// Leaves the largest so many of all, of equal ones the first, and says what is the least of them;
/// nothing where there are no more.
fn cut(codes: &mut Codes, most: usize) -> Option<f32> {
    if codes.uses.len() <= most {
        return None;
    }
    let mut values: Vec<f32> = codes.uses.iter().map(|used| used.pre).collect();
    let place = most.checked_sub(1)?;
    let (above, &mut least, _) =
        values.select_nth_unstable_by(place, |one, other| other.total_cmp(one));
    let equal = 1 + above.iter().filter(|value| **value == least).count();
    let left = std::cell::Cell::new(equal);
    codes.retain(|used| {
        least < used.pre || (used.pre == least && left.replace(left.get().saturating_sub(1)) != 0)
    });
    Some(least)
}

/// Picks out of a row of everything that the encoder gives.
#[derive(Default)]
struct Picking {
    places: Vec<u32>,
    of_dead: Vec<f32>,
    room: Room,
}

impl Picking {
    fn chosen(
        &mut self,
        config: &Config,
        parameters: &Parameters,
        row: &[f32],
        bound: f32,
        codes: &mut Codes,
    ) {
        match config.activation {
            Activation::Relu { .. } => keep(row, codes, |_, pre| 0.0 < pre),
            Activation::BatchTopK { .. } => keep(row, codes, |_, pre| 0.0 < pre && bound <= pre),
            Activation::JumpRelu { bandwidth, logarithmic, .. } => {
                keep(row, codes, |latent, pre| {
                    let threshold = threshold(parameters.threshold[latent], logarithmic);
                    threshold < pre || is_near(pre, threshold, bandwidth)
                })
            }
            Activation::Gated { .. } => {
                keep(row, codes, |latent, pre| 0.0 < pre + parameters.encoder_bias[latent])
            }
            Activation::TopK { k } => {
                self.places.clear();
                top_k(row, k, &mut self.places, &mut self.room);
                let used =
                    self.places.iter().map(|&latent| Use { latent, pre: row[latent as usize] });
                codes.push(used.filter(|used| 0.0 < used.pre));
            }
        }
    }

    fn dead(
        &mut self,
        config: &Config,
        parameters: &Parameters,
        row: &[f32],
        dead: &[u32],
        codes: &mut Codes,
    ) {
        let Some(revival) = config.revival.filter(|_| !dead.is_empty()) else {
            codes.push([]);
            return;
        };
        let gated = matches!(config.activation, Activation::Gated { .. });
        let value = |latent: u32| {
            let bias = if gated { parameters.encoder_bias[latent as usize] } else { 0.0 };
            row[latent as usize] + bias
        };
        let Revival::AuxK { k, .. } = revival else {
            codes.push(dead.iter().map(|&latent| Use { latent, pre: value(latent).exp() }));
            return;
        };
        self.of_dead.clear();
        self.of_dead.extend(dead.iter().map(|&latent| value(latent)));
        self.places.clear();
        top_k(&self.of_dead, k, &mut self.places, &mut self.room);
        let used = self
            .places
            .iter()
            .map(|&place| Use { latent: dead[place as usize], pre: self.of_dead[place as usize] });
        codes.push(used.filter(|used| 0.0 < used.pre));
    }
}

/// Takes a row's latents of which this is true.
fn keep(row: &[f32], codes: &mut Codes, is_used: impl Fn(usize, f32) -> bool) {
    let all = row.iter().enumerate().filter(|&(latent, &pre)| is_used(latent, pre));
    codes.push(all.map(|(latent, &pre)| Use { latent: latent as u32, pre }));
}

/// What the decoder gets of a latent.
pub fn value(config: &Config, parameters: &Parameters, used: &Use) -> f32 {
    let latent = used.latent as usize;
    match config.activation {
        Activation::JumpRelu { logarithmic, .. } => {
            let threshold = threshold(parameters.threshold[latent], logarithmic);
            if threshold < used.pre { used.pre } else { 0.0 }
        }
        Activation::Gated { .. } => {
            let scale = parameters.magnitude_scale[latent].exp();
            (used.pre * scale + parameters.magnitude_bias[latent]).max(0.0)
        }
        _ => used.pre,
    }
}

/// A threshold from what is trained.
pub fn threshold(trained: f32, logarithmic: bool) -> f32 {
    if logarithmic { trained.exp() } else { trained.max(0.0) }
}

/// Whether a value is within half a bandwidth of a threshold.
pub fn is_near(pre: f32, threshold: f32, bandwidth: f32) -> bool {
    ((pre - threshold) / bandwidth).abs() < 0.5
}
