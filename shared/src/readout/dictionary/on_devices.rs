//! A dictionary in training on GPUs: the steps of [`super::training`] in tensors.
//!
//! All numbers stay where they are computed. Of a step only its sums come back, and which latents
//! fired. Several devices take a share of each batch: every one computes the gradient of its share,
//! the first adds them up and moves the dictionary. BatchTopK chooses among the examples of a share.

use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::archetypes::{Archetypes, Trained};
use super::config::{Activation, Config};
use super::explain::Losses;
use super::loss::{Tensors, loss};
use super::optimizer::{
    DECAYS, EPSILON, ITERATIONS, LENGTH, MOMENTUM, NOTHING, Optimizer, POLYNOMIAL, Pace,
};
use super::parameters::Parameters;
use super::precision::Precision;
use super::training::{Report, Training};
use crate::device::read;
use crate::{Error, Result};

/// One for each of [`Parameters::NAMES`].
type Arrays = [Tensor<2>; 7];

/// Where the decoder stands among [`Parameters::NAMES`].
const DECODER: usize = 2;

/// What of a dictionary in training is on devices.
#[derive(Clone, Debug)]
pub struct OnDevices {
    devices: Vec<Device>,
    parameters: Arrays,
    moments: [Arrays; 2],
    archetypes: Option<MadeOfPoints>,
}

/// [`Archetypes`] on a device.
#[derive(Clone, Debug)]
struct MadeOfPoints {
    most: f32,
    /// `[points, channels]`
    points: Tensor<2>,
    /// `[latents, points]`, `[latents, channels]` and `[1, 1]`, as of [`Trained`].
    trained: [Tensor<2>; 3],
    moments: [[Tensor<2>; 3]; 2],
}

/// What a share of a batch says.
struct Share {
    /// What it adds to the batch's losses: all of it, of prefixes, the sum of latents, how many, and
    /// what is auxiliary. `[1, losses]`
    losses: Tensor<2>,
    /// The smallest value of a latent that fires, `[1, 1]`.
    least: Tensor<2>,
    /// In how many examples each latent fires, `[1, latents]`.
    fired: Tensor<2>,
    /// What it adds to the gradient; nothing where the dictionary has no such numbers.
    gradient: [Option<Tensor<2>>; 7],
}

impl OnDevices {
    /// What is trained goes to the first device.
    ///
    /// # Errors
    /// There is no device, or one does not multiply in the precision that is asked for.
    pub fn new(training: &Training, devices: Vec<Device>) -> Result<Self> {
        let precision = training.options.precision;
        let Some(first) = devices.first() else {
            return Err(Error::Setting {
                name: "devices",
                found: "none".to_owned(),
                expected: "at least one".to_owned(),
            });
        };
        if !devices.iter().all(|device| device.supports_dtype(precision.float())) {
            return Err(Error::Setting {
                name: "precision",
                found: precision.name().to_owned(),
                expected: "one that the device has".to_owned(),
            });
        }
        let channels = training.config.channels;
        let arrays = |numbers: &Parameters| {
            let tensors = Tensors::new(numbers, channels, first);
            tensors.all().map(Tensor::clone)
        };
        let archetypes = training.archetypes.as_ref();
        Ok(Self {
            parameters: arrays(&training.parameters),
            moments: [arrays(&training.moments[0]), arrays(&training.moments[1])],
            archetypes: archetypes.map(|made| MadeOfPoints::new(made, channels, first)),
            devices,
        })
    }

    /// Brings back what was trained.
    ///
    /// # Errors
    /// What befell a device.
    pub async fn fetch(&self, training: &mut Training) -> Result<()> {
        let [first, second] = &mut training.moments;
        let numbers = [&mut training.parameters, first, second];
        let arrays = [&self.parameters, &self.moments[0], &self.moments[1]];
        for (values, tensor) in
            numbers.into_iter().flat_map(Parameters::all_mut).zip(arrays.into_iter().flatten())
        {
            if !values.is_empty() {
                values.copy_from_slice(&read(tensor.clone()).await?);
            }
        }
        if let (Some(made), Some(archetypes)) = (&self.archetypes, &mut training.archetypes) {
            made.fetch(archetypes).await?;
        }
        Ok(())
    }

    /// A step down the gradient of a batch. What is trained stays on the devices; everything else of
    /// `training` is as after [`Training::step`].
    ///
    /// # Shapes
    /// - `examples`: `[examples, channels]`, at least one
    ///
    /// # Errors
    /// The loss or its gradient is not finite, where nothing has changed; or what befell a device.
    pub async fn step(&mut self, training: &mut Training, examples: &[f32]) -> Result<Report> {
        let (unit_norm, optimizer) = (training.options.unit_norm, training.options.optimizer);
        let precision = training.options.precision;
        let Share { losses, least, fired, mut gradient } = self.gradient(training, examples);
        let decoder = &self.parameters[DECODER];
        if unit_norm {
            gradient[DECODER] = gradient[DECODER].take().map(|gradient| {
                let along = (gradient.clone() * decoder.clone()).sum_dim(1);
                gradient - along * decoder.clone()
            });
        }
        let of_archetypes = self.archetypes.as_ref().and_then(|made| {
            gradient[DECODER].take().map(|gradient| made.pull(gradient, decoder.clone()))
        });
        let all = gradient.iter().flatten().chain(of_archetypes.iter().flatten());
        let squares = all.map(|gradient| sum(gradient.clone().square())).reduce(|a, b| a + b);
        // Every dictionary has an encoder.
        let squares = squares.expect("a gradient");
        let prefixes = losses.dims()[1] - OTHERS;
        let numbers = read(Tensor::cat(vec![squares, least, losses, fired], 1)).await?;
        let (sums, fired) = numbers.split_at(2 + OTHERS + prefixes);
        let numbers: Vec<f64> = sums.iter().map(|&number| f64::from(number)).collect();
        // As they were put together above, and in `Share`.
        let [squares, _, total, l1, l0, auxiliary, ref squared_errors @ ..] = numbers[..] else {
            unreachable!("more sums than that")
        };
        let losses = Losses { total, squared_errors: squared_errors.to_vec(), l1, l0, auxiliary };
        let gradient_norm = squares.sqrt();
        let pace = training.pace(total, gradient_norm)?;
        self.advance((optimizer, precision), gradient, pace);
        if let (Some(made), Some(gradient)) = (&mut self.archetypes, of_archetypes) {
            made.advance(gradient, pace);
            self.parameters[DECODER] = made.decoder();
        }
        if unit_norm {
            let decoder = self.parameters[DECODER].clone();
            let lengths = decoder.clone().square().sum_dim(1).sqrt().clamp_min(f32::MIN_POSITIVE);
            self.parameters[DECODER] = decoder / lengths;
        }
        let has_threshold = matches!(training.config.activation, Activation::BatchTopK { .. });
        let least = Some(sums[1]).filter(|least| has_threshold && *least < f32::MAX);
        training.count(examples, fired.iter().map(|count| 0.0 < *count), least);
        if training.resamples() {
            self.fetch(training).await?;
            training.resample(examples);
            *self = Self::new(training, self.devices.clone())?;
        }
        let learning_rate = pace.learning_rate;
        Ok(Report { losses, learning_rate, gradient_norm, dead: training.dead().len() })
    }

    /// What all devices say of a batch, on the first of them.
    fn gradient(&self, training: &Training, examples: &[f32]) -> Share {
        let dead = training.dead();
        let config = training.config_of_step(&dead);
        let count = examples.len() / config.channels;
        let dead: Vec<bool> = {
            let mut mask = vec![false; config.latents];
            dead.iter().for_each(|&latent| mask[latent as usize] = true);
            mask
        };
        let devices = self.devices.len();
        let shares = self.devices.iter().enumerate().filter_map(|(place, device)| {
            let share = place * count / devices..(place + 1) * count / devices;
            let weight = share.len() as f32 / count as f32;
            let some = &examples[share.start * config.channels..share.end * config.channels];
            let precision = training.options.precision;
            (!some.is_empty())
                .then(|| self.share((&config, precision), device, (some, weight), &dead))
        });
        // All are begun before the first is waited for.
        let shares: Vec<Share> = shares.collect();
        let shares = shares.into_iter().map(|share| share.on(&self.devices[0]));
        // There is at least one example.
        shares.reduce(Share::plus).expect("a share")
    }

    /// What a device says of its examples, which are so much of all.
    fn share(
        &self,
        (config, precision): (&Config, Precision),
        device: &Device,
        (examples, weight): (&[f32], f32),
        dead: &[bool],
    ) -> Share {
        let &Config { channels, latents, .. } = config;
        let count = examples.len() / channels;
        let parameters = self.parameters.each_ref().map(|tensor| tensor.clone().to_device(device));
        let tensors = Tensors::from(parameters).tracked();
        let examples = TensorData::new::<f32, _>(examples.to_vec(), [count, channels]);
        let dead = TensorData::new::<bool, _>(dead.to_vec(), [1, latents]);
        let dead = Tensor::<2, Bool>::from_data(dead, device);
        let found = loss(config, precision, &tensors, Tensor::from_data(examples, device), dead);

        let values = found.latents.inner();
        let fires = values.clone().greater_elem(0.0);
        let least = values.mask_fill(fires.clone().bool_not(), f32::MAX).min_dim(1).min_dim(0);
        let fired = fires.float().sum_dim(0);
        let number = |tensor: Tensor<1>| tensor.inner().reshape([1, 1]);
        let l0 = fired.clone().sum_dim(1).div_scalar(count as f32);
        let auxiliary = found.auxiliary.map_or_else(|| Tensor::zeros([1, 1], device), number);
        let mut losses = vec![number(found.total.clone()), number(found.l1), l0, auxiliary];
        losses.extend(found.squared_errors.into_iter().map(number));
        let gradients = found.total.mul_scalar(weight).backward();
        Share {
            losses: Tensor::cat(losses, 1).mul_scalar(weight),
            least,
            fired,
            gradient: tensors.all().map(|tensor| tensor.grad(&gradients)),
        }
    }

    /// Moves the dictionary.
    fn advance(
        &mut self,
        (optimizer, precision): (Optimizer, Precision),
        gradient: [Option<Tensor<2>>; 7],
        pace: Pace,
    ) {
        let [first, second] = &mut self.moments;
        let moments = first.iter_mut().zip(second);
        let arrays = self.parameters.iter_mut().zip(gradient).zip(moments);
        for (name, ((values, gradient), (first, second))) in Parameters::NAMES.iter().zip(arrays) {
            let Some(gradient) = gradient else { continue };
            let is_matrix = Parameters::MATRICES.contains(name);
            match optimizer {
                Optimizer::Muon if is_matrix => muon(values, gradient, first, precision, pace),
                Optimizer::Muon | Optimizer::Adam => adam(values, gradient, first, second, pace),
            }
        }
    }
}

/// Losses of a [`Share`] that are not of prefixes.
const OTHERS: usize = 4;

impl Share {
    fn on(self, device: &Device) -> Self {
        Self {
            losses: self.losses.to_device(device),
            least: self.least.to_device(device),
            fired: self.fired.to_device(device),
            gradient: self.gradient.map(|gradient| gradient.map(|some| some.to_device(device))),
        }
    }

    fn plus(self, other: Self) -> Self {
        let mut others = other.gradient.into_iter();
        Self {
            losses: self.losses + other.losses,
            least: self.least.min_pair(other.least),
            fired: self.fired + other.fired,
            gradient: self.gradient.map(|gradient| {
                let sum = gradient.into_iter().chain(others.next().flatten());
                sum.reduce(|one, other| one + other)
            }),
        }
    }
}

impl MadeOfPoints {
    fn new(made: &Archetypes, channels: usize, device: &Device) -> Self {
        let latents = made.trained.relaxation.len() / channels;
        let matrix = |values: &[f32], rows: usize| {
            let data = TensorData::new::<f32, _>(values.to_vec(), [rows, values.len() / rows]);
            Tensor::<2>::from_data(data, device)
        };
        let arrays = |trained: &Trained| {
            let [weights, relaxation, scale] = trained.all();
            [matrix(weights, latents), matrix(relaxation, latents), matrix(scale, 1)]
        };
        Self {
            most: made.most,
            points: matrix(&made.points, made.points.len() / channels),
            trained: arrays(&made.trained),
            moments: [arrays(&made.moments[0]), arrays(&made.moments[1])],
        }
    }

    async fn fetch(&self, made: &mut Archetypes) -> Result<()> {
        let [first, second] = &mut made.moments;
        let numbers = [&mut made.trained, first, second];
        let arrays = [&self.trained, &self.moments[0], &self.moments[1]];
        for (values, tensor) in
            numbers.into_iter().flat_map(Trained::all_mut).zip(arrays.into_iter().flatten())
        {
            values.copy_from_slice(&read(tensor.clone()).await?);
        }
        Ok(())
    }

    fn decoder(&self) -> Tensor<2> {
        let [weights, relaxation, scale] = self.trained.clone();
        (Precision::Single.product(weights, self.points.clone()) + relaxation) * scale.exp()
    }

    /// As [`Archetypes::pull`].
    fn pull(&self, gradient: Tensor<2>, decoder: Tensor<2>) -> [Tensor<2>; 3] {
        let of_scale = sum(gradient.clone() * decoder);
        let of_rows = gradient * self.trained[2].clone().exp();
        let points = self.points.clone().transpose();
        [Precision::Single.product(of_rows.clone(), points), of_rows, of_scale]
    }

    /// As [`Archetypes::advance`].
    fn advance(&mut self, gradient: [Tensor<2>; 3], pace: Pace) {
        let pace = Pace { weight_decay: 0.0, ..pace };
        let [first, second] = &mut self.moments;
        let moments = first.iter_mut().zip(second);
        for ((values, gradient), (first, second)) in
            self.trained.iter_mut().zip(gradient).zip(moments)
        {
            adam(values, gradient, first, second, pace);
        }
        let [weights, relaxation, _] = &mut self.trained;
        let kept = weights.clone().clamp_min(0.0);
        *weights = kept.clone() / kept.sum_dim(1).clamp_min(f32::MIN_POSITIVE);
        let lengths = relaxation.clone().square().sum_dim(1).sqrt();
        let shorter = lengths.clamp_min(f32::MIN_POSITIVE).recip().mul_scalar(self.most);
        *relaxation = relaxation.clone() * shorter.clamp_max(1.0);
    }
}

/// Of all numbers, `[1, 1]`; axis by axis, as a device gives each sum to one thread.
fn sum(numbers: Tensor<2>) -> Tensor<2> {
    numbers.sum_dim(1).sum_dim(0)
}

/// As [`super::optimizer::adam`].
fn adam(
    values: &mut Tensor<2>,
    gradient: Tensor<2>,
    first: &mut Tensor<2>,
    second: &mut Tensor<2>,
    pace: Pace,
) {
    let Pace { step, learning_rate, shorter, weight_decay } = pace;
    let steps = step.min(1 << 20) as i32;
    let [first_correction, second_correction] = DECAYS.map(|decay| 1.0 - decay.powi(steps));
    let gradient = gradient.mul_scalar(shorter);
    let towards = |mean: &Tensor<2>, number: Tensor<2>, decay: f32| {
        mean.clone() + (number - mean.clone()).mul_scalar(1.0 - decay)
    };
    *first = towards(first, gradient.clone(), DECAYS[0]);
    *second = towards(second, gradient.square(), DECAYS[1]);
    let size = second.clone().div_scalar(second_correction).sqrt().add_scalar(EPSILON);
    let far = first.clone().mul_scalar(learning_rate / first_correction) / size;
    *values = values.clone().mul_scalar(1.0 - learning_rate * weight_decay) - far;
}

/// As [`Optimizer::Muon`] on the processor.
fn muon(
    values: &mut Tensor<2>,
    gradient: Tensor<2>,
    momentum: &mut Tensor<2>,
    precision: Precision,
    pace: Pace,
) {
    let Pace { learning_rate, shorter, weight_decay, .. } = pace;
    let [rows, columns] = values.dims();
    let gradient = gradient.mul_scalar(shorter);
    let kept = momentum.clone().mul_scalar(MOMENTUM);
    *momentum = kept + gradient.clone().mul_scalar(1.0 - MOMENTUM);
    let ahead = momentum.clone().mul_scalar(MOMENTUM) + gradient.mul_scalar(1.0 - MOMENTUM);
    let far = learning_rate * LENGTH * (rows.max(columns) as f32).sqrt();
    let direction = orthogonal(ahead, precision).mul_scalar(far);
    *values = values.clone().mul_scalar(1.0 - learning_rate * weight_decay) - direction;
}

/// A matrix with the same singular vectors, whose singular values are near 1.
fn orthogonal(matrix: Tensor<2>, precision: Precision) -> Tensor<2> {
    let [rows, columns] = matrix.dims();
    if rows < columns {
        return orthogonal(matrix.transpose(), precision).transpose();
    }
    let length = sum(matrix.clone().square()).sqrt().clamp_min(NOTHING);
    let [linear, cubic, quintic] = POLYNOMIAL;
    (0..ITERATIONS).fold(matrix / length, |matrix, _| {
        let squares = precision.product(matrix.clone().transpose(), matrix.clone());
        let fourths = precision.product(squares.clone(), squares.clone());
        let factor = squares.mul_scalar(cubic) + fourths.mul_scalar(quintic);
        matrix.clone().mul_scalar(linear) + precision.product(matrix, factor)
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::device;
    use crate::readout::dictionary::Revival;
    use crate::readout::dictionary::archetypes::Archetypal;
    use crate::readout::dictionary::training::Options;

    const CHANNELS: usize = 12;
    const LATENTS: usize = 40;
    const STEPS: u64 = 12;

    fn examples(seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..64 * CHANNELS).map(|_| random.random_range(-1.0..1.5)).collect()
    }

    fn options() -> Options {
        Options { warm_up: 3, sparsity_warm_up: 6, dead_after: 128, ..Options::default() }
    }

    fn begun(activation: Activation, revival: Option<Revival>, options: Options) -> Training {
        let config = Config {
            channels: CHANNELS,
            latents: LATENTS,
            activation,
            centred: true,
            prefixes: vec![LATENTS],
            revival,
        };
        Training::new(config, options, STEPS, 4, &examples(0)).unwrap()
    }

    /// So many steps on the processor, and on so many devices.
    fn both(training: &Training, devices: usize) -> [Training; 2] {
        let [mut here, mut there] = [training.clone(), training.clone()];
        let devices = vec![device::cpu(); devices];
        let mut away = OnDevices::new(&there, devices).unwrap();
        for step in 1..=STEPS {
            let expected = here.step(&examples(step)).unwrap();
            let found = pollster::block_on(away.step(&mut there, &examples(step))).unwrap();
            let near = |one: f64, other: f64| (one - other).abs() <= 2e-4 * other.abs();
            let [ours, theirs] = [&found, &expected].map(|report| &report.losses);
            assert!(near(ours.total, theirs.total), "{found:?}, expected {expected:?}");
            assert!(
                near(ours.l0, theirs.l0) && near(ours.l1, theirs.l1),
                "{found:?}, {expected:?}"
            );
            assert!(near(found.gradient_norm, expected.gradient_norm), "{found:?}, {expected:?}");
            assert_eq!(found.dead, expected.dead, "{step}");
            assert_eq!(there.silent, here.silent, "{step}");
        }
        pollster::block_on(away.fetch(&mut there)).unwrap();
        [here, there]
    }

    /// How far numbers are from others, over their length.
    fn apart(found: &[f32], expected: &[f32]) -> f64 {
        let square = |value: f32| f64::from(value).powi(2);
        let length: f64 = expected.iter().map(|value| square(*value)).sum();
        let difference: f64 =
            found.iter().zip(expected).map(|(one, other)| square(one - other)).sum();
        (difference / length.max(1e-12)).sqrt()
    }

    fn assert_alike(what: &str, [expected, found]: &[Training; 2]) {
        let arrays = found.parameters.all().into_iter().zip(expected.parameters.all());
        for (name, (found, expected)) in Parameters::NAMES.iter().zip(arrays) {
            let apart = apart(found, expected);
            assert!(apart < 1e-3, "{name} of {what}: {apart}");
        }
        let [found, expected] = [found, expected].map(|training| training.threshold);
        assert!((found - expected).abs() <= 1e-4 * expected, "{what}: {found}, {expected}");
    }

    #[test]
    fn steps_of_every_kind_are_those_of_the_processor() {
        for activation in [
            Activation::Relu { l1: 0.05, by_norm: true },
            Activation::TopK { k: 5 },
            Activation::BatchTopK { k: 5 },
            Activation::JumpRelu { l0: 0.02, bandwidth: 0.2, logarithmic: false },
            Activation::Gated { l1: 0.05 },
        ] {
            let gated = matches!(activation, Activation::Gated { .. });
            let revival = Revival::AuxK { k: 6, coefficient: 0.3, normalized: false };
            let training = begun(activation, Some(revival).filter(|_| !gated), options());
            assert_alike(&format!("{activation:?}"), &both(&training, 1));
        }
    }

    #[test]
    fn other_ways_down_and_other_decoders_are_those_of_the_processor() {
        let topk = Activation::TopK { k: 3 };
        let archetypal = Some(Archetypal { points: LATENTS + 8, relaxation: 0.05 });
        for options in [
            Options { optimizer: Optimizer::Muon, weight_decay: 0.1, ..options() },
            Options { archetypal, unit_norm: false, ..options() },
            Options { drawn_prefixes: 4, ..options() },
            Options { resample_every: 4, decay: 0.0, ..options() },
        ] {
            let what = format!("{options:?}");
            let made = both(&begun(topk, None, options), 1);
            assert_alike(&what, &made);
            if let [Some(expected), Some(found)] = made.map(|training| training.archetypes) {
                for (found, expected) in found.trained.all().into_iter().zip(expected.trained.all())
                {
                    assert!(apart(found, expected) < 1e-3, "{what}");
                }
            }
        }
    }

    #[test]
    fn ghosts_do_not_see_how_much_others_fire() {
        let mut training = begun(Activation::TopK { k: 5 }, Some(Revival::Ghost), options());
        // So much that its exponential is infinite.
        training.parameters.encoder_bias[0] = 200.0;
        training.silent[1..].fill(1000);
        let mut here = training.clone();
        let mut away = OnDevices::new(&training, vec![device::cpu()]).unwrap();
        let expected = here.step(&examples(1)).unwrap();
        let found = pollster::block_on(away.step(&mut training, &examples(1))).unwrap();
        let off = (found.gradient_norm / expected.gradient_norm - 1.0).abs();
        assert!(off < 1e-3, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn a_batch_that_devices_share_is_a_batch() {
        for activation in [Activation::TopK { k: 5 }, Activation::Gated { l1: 0.05 }] {
            // Three of them: their shares are not alike.
            assert_alike("three devices", &both(&begun(activation, None, options()), 3));
        }
    }

    #[test]
    fn what_was_fetched_goes_on() {
        let training = begun(Activation::TopK { k: 5 }, None, options());
        let [_, mut there] = both(&training, 1);
        let mut away = OnDevices::new(&there, vec![device::cpu()]).unwrap();
        let batch = examples(99);
        let mut here = there.clone();
        here.step(&batch).unwrap();
        pollster::block_on(away.step(&mut there, &batch)).unwrap();
        pollster::block_on(away.fetch(&mut there)).unwrap();
        assert_alike("gone on", &[here, there]);
    }

    #[test]
    fn half_precision_multiplies_nearly_the_same() {
        let options = Options { precision: Precision::Brain, ..options() };
        let mut training = begun(Activation::Relu { l1: 0.05, by_norm: false }, None, options);
        let mut here = training.clone();
        let mut away = OnDevices::new(&training, vec![device::cpu()]).unwrap();
        let expected = here.step(&examples(1)).unwrap().losses.total;
        let found = pollster::block_on(away.step(&mut training, &examples(1))).unwrap();
        let off = (found.losses.total - expected).abs() / expected;
        assert!(off < 0.02, "{off}");
        assert_ne!(off, 0.0);
    }

    #[test]
    fn a_step_that_is_not_finite_changes_nothing() {
        let mut training = begun(Activation::TopK { k: 5 }, None, options());
        let mut away = OnDevices::new(&training, vec![device::cpu()]).unwrap();
        let before = training.clone();
        let mut batch = examples(1);
        batch[3] = f32::NAN;
        let error = pollster::block_on(away.step(&mut training, &batch)).unwrap_err().to_string();
        assert!(error.contains("not finite"), "{error}");
        pollster::block_on(away.fetch(&mut training)).unwrap();
        assert_eq!(training, before);
        let error = OnDevices::new(&training, Vec::new()).unwrap_err().to_string();
        assert!(error.contains("devices"), "{error}");
    }
}
