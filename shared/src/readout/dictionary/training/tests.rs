//! What training finds, and what it refuses.

use super::*;
use crate::readout::dictionary::Revival;

const CHANNELS: usize = 16;
const FEATURES: usize = 24;

fn config(activation: Activation) -> Config {
    Config {
        channels: CHANNELS,
        latents: 2 * FEATURES,
        activation,
        centred: true,
        prefixes: vec![2 * FEATURES],
        revival: None,
    }
}

fn quick() -> Options {
    Options { learning_rate: 5e-3, warm_up: 10, sparsity_warm_up: 50, ..Options::default() }
}

/// Directions of length 1, and batches of sums of two of them.
struct World {
    directions: Vec<f32>,
    random: ChaCha8Rng,
}

impl World {
    fn new() -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut directions: Vec<f32> =
            (0..FEATURES * CHANNELS).map(|_| random.sample(StandardNormal)).collect();
        normalize(&mut directions, CHANNELS);
        Self { directions, random }
    }

    fn batch(&mut self, count: usize) -> Vec<f32> {
        let mut examples = vec![0.3; count * CHANNELS];
        for example in examples.chunks_exact_mut(CHANNELS) {
            for feature in (0..FEATURES).sample(&mut self.random, 2) {
                let strength = self.random.random_range(1.0..2.0);
                let direction = &self.directions[feature * CHANNELS..][..CHANNELS];
                example.iter_mut().zip(direction).for_each(|(x, d)| *x += strength * d);
            }
        }
        examples
    }
}

#[test]
fn every_kind_finds_most_of_the_directions_that_its_examples_are_made_of() {
    for activation in [
        Activation::TopK { k: 2 },
        Activation::BatchTopK { k: 2 },
        Activation::Relu { l1: 0.15, by_norm: false },
        Activation::JumpRelu { l0: 0.2, bandwidth: 0.5, logarithmic: false },
        Activation::Gated { l1: 1.2 },
    ] {
        let mut world = World::new();
        let sample = world.batch(512);
        let mut training = Training::new(config(activation), quick(), 1500, 1, &sample).unwrap();
        for _ in 0..1500 {
            training.step(&world.batch(128)).unwrap();
        }
        let rows = || training.parameters.decoder.chunks_exact(CHANNELS);
        let best = |direction: &[f32]| {
            let cosines = rows().map(|row| row.iter().zip(direction).map(|(a, b)| a * b).sum());
            cosines.fold(0.0, f32::max)
        };
        let found = world.directions.chunks_exact(CHANNELS).filter(|row| 0.9 < best(row)).count();
        assert!(3 * FEATURES / 4 <= found, "{activation:?}: {found} of {FEATURES}");
    }
}

/// The part of the variance that is left of what is measured after so many steps.
fn left_after(options: Options, steps: u64) -> f64 {
    let mut world = World::new();
    let sample = world.batch(512);
    let topk = config(Activation::TopK { k: 2 });
    let mut training = Training::new(topk, options, steps, 1, &sample).unwrap();
    for _ in 0..steps {
        training.step(&world.batch(128)).unwrap();
    }
    let examples = world.batch(1000);
    let found = gradient(&training.config, &training.parameters, &examples, &[]);
    let mean = |channel: usize| {
        examples.iter().skip(channel).step_by(CHANNELS).map(|x| f64::from(*x)).sum::<f64>() / 1000.0
    };
    let means: Vec<f64> = (0..CHANNELS).map(mean).collect();
    let squares = examples.chunks(CHANNELS).flat_map(|example| {
        example.iter().zip(&means).map(|(x, mean)| (f64::from(*x) - mean).powi(2))
    });
    found.losses.squared_errors[0] / (squares.sum::<f64>() / 1000.0)
}

#[test]
fn every_way_down_leads_down() {
    let archetypal = Some(Archetypal { points: 300, relaxation: 0.5 });
    for (name, options, most) in [
        ("adam", quick(), 0.1),
        ("decay", Options { weight_decay: 0.01, ..quick() }, 0.15),
        ("muon", Options { optimizer: Optimizer::Muon, ..quick() }, 0.1),
        ("drawn", Options { drawn_prefixes: 4, ..quick() }, 0.3),
        ("archetypal", Options { archetypal, unit_norm: false, ..quick() }, 0.3),
        ("resampled", Options { resample_every: 100, dead_after: 5000, ..quick() }, 0.1),
    ] {
        let left = left_after(options, 800);
        assert!(left < most, "{name}: {left}");
    }
}

#[test]
fn each_seed_has_archetypes_of_its_own() {
    let sample = World::new().batch(400);
    let archetypal = Some(Archetypal { points: 60, relaxation: 0.5 });
    let points = |seed| {
        let options = Options { archetypal, unit_norm: false, ..quick() };
        let topk = config(Activation::TopK { k: 2 });
        Training::new(topk, options, 100, seed, &sample).unwrap().archetypes.unwrap().points
    };
    assert_eq!(points(1), points(1));
    assert_ne!(points(1), points(2));
}

#[test]
fn the_dead_begin_anew_at_what_is_explained_badly() {
    let mut world = World::new();
    let options = Options { dead_after: 100, resample_every: 2, ..quick() };
    let sample = world.batch(64);
    let topk = config(Activation::TopK { k: 2 });
    let mut training = Training::new(topk, options, 100, 1, &sample).unwrap();
    training.step(&world.batch(32)).unwrap();
    let dead = [3, 40];
    dead.iter().for_each(|&latent| training.silent[latent] = 1000);
    let silenced = |training: &mut Training, latent: usize| {
        training.parameters.encoder[latent * CHANNELS..][..CHANNELS].fill(0.0);
        training.parameters.encoder_bias[latent] = -1.0;
    };
    dead.iter().for_each(|&latent| silenced(&mut training, latent));
    let batch = world.batch(32);
    let again = {
        let mut again = training.clone();
        again.step(&batch).unwrap();
        again
    };
    training.step(&batch).unwrap();
    assert_eq!(training, again);
    let bias = training.parameters.decoder_bias.clone();
    for latent in dead {
        let row = |values: &[f32]| values[latent * CHANNELS..][..CHANNELS].to_vec();
        let decoder = row(&training.parameters.decoder);
        let likeness = |example: &[f32]| {
            let centred: Vec<f32> = example.iter().zip(&bias).map(|(x, b)| x - b).collect();
            dot(&centred, &decoder) / dot(&centred, &centred).sqrt()
        };
        let best = batch.chunks(CHANNELS).map(likeness).fold(0.0, f32::max);
        assert!(0.9999 < best, "{latent}: {best}");
        assert_eq!(training.parameters.encoder_bias[latent], 0.0);
        assert!(row(&training.moments[0].encoder).iter().all(|value| *value == 0.0));
        let encoder = row(&training.parameters.encoder);
        assert!(0.9999 < dot(&encoder, &decoder) / dot(&encoder, &encoder).sqrt());
        assert_eq!(training.silent[latent], 0);
    }
    assert!(training.silent.iter().any(|silent| *silent != 0));
}

#[test]
fn prefixes_are_drawn_anew_and_short_ones_more_often() {
    let options = Options { drawn_prefixes: 3, ..quick() };
    let topk = config(Activation::TopK { k: 2 });
    let mut training = Training::new(topk, options, 100, 1, &[0.5; CHANNELS]).unwrap();
    let mut counts = [0_u32; 2 * FEATURES + 1];
    for step in 0..4000 {
        training.step = step;
        let drawn = training.prefixes();
        assert_eq!(drawn, training.prefixes());
        assert_eq!((drawn.len(), drawn[2]), (3, 2 * FEATURES));
        assert!(drawn.is_sorted_by(|less, more| less < more), "{drawn:?}");
        drawn.iter().for_each(|length| counts[*length] += 1);
    }
    assert_eq!((counts[0], counts[1], counts[2 * FEATURES]), (0, 0, 4000));
    // Of the first draw alone the likelihood of 2 is 1 - 2^-0.5 of all below the whole.
    let of_two = (1.0 - 0.5_f64.sqrt()) / (1.0 - (47.0_f64).powf(-0.5));
    let least = 4000.0 * of_two;
    assert!(least < f64::from(counts[2]) && f64::from(counts[2]) < 2.0 * least, "{counts:?}");
    assert!(counts[3] < counts[2] && counts[20] < counts[3], "{counts:?}");
}

#[test]
fn what_cannot_be_trained_together_is_named() {
    let archetypal = |points| Some(Archetypal { points, relaxation: 0.5 });
    let sample = World::new().batch(100);
    for (options, said) in [
        (Options { archetypal: archetypal(60), ..quick() }, "archetypal is beside unit_norm"),
        (Options { archetypal: archetypal(20), ..quick() }, "points is 20"),
        (Options { archetypal: archetypal(101), ..quick() }, "points is 101"),
        (Options { drawn_prefixes: 48, ..quick() }, "drawn_prefixes is 48"),
    ] {
        let topk = config(Activation::TopK { k: 2 });
        let error = Training::new(topk, options, 10, 1, &sample).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn the_same_seed_and_batches_give_the_same_dictionary() {
    let run = |seed| {
        let mut world = World::new();
        let sample = world.batch(64);
        let config = Config {
            revival: Some(Revival::AuxK { k: 4, coefficient: 0.1, normalized: true }),
            ..config(Activation::BatchTopK { k: 2 })
        };
        let options = Options { dead_after: 100, ..quick() };
        let mut training = Training::new(config, options, 40, seed, &sample).unwrap();
        (0..40).for_each(|_| drop(training.step(&world.batch(32)).unwrap()));
        training
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).parameters, run(2).parameters);
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() {
    let mut world = World::new();
    let sample = world.batch(64);
    let topk = config(Activation::TopK { k: 2 });
    let mut training = Training::new(topk, quick(), 10, 1, &sample).unwrap();
    let before = training.clone();
    let mut broken = world.batch(8);
    broken[3] = f32::NAN;
    let error = training.step(&broken).unwrap_err().to_string();
    assert!(error.contains("step 0"), "{error}");
    assert_eq!(training, before);
}

#[test]
fn the_learning_rate_rises_holds_and_falls_to_nothing() {
    let options = Options { learning_rate: 1.0, warm_up: 10, decay: 0.2, ..Options::default() };
    let topk = config(Activation::TopK { k: 2 });
    let mut training = Training::new(topk, options, 100, 1, &[0.5; CHANNELS]).unwrap();
    let mut rate = |step| {
        training.step = step;
        training.learning_rate()
    };
    assert_eq!([rate(0), rate(9), rate(50), rate(80), rate(90)], [0.1, 1.0, 1.0, 1.0, 0.5]);
    assert!(rate(99) <= 0.051 && rate(100) == 0.0);
}
