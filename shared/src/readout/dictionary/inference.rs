//! A dictionary in use: what examples are made of, and what it makes of that.

use burn::tensor::{Device, Tensor, TensorData};

use super::codes::{Codes, Use};
use super::config::{Activation, Config};
use super::encode::{encode, value};
use super::normalization::Normalization;
use super::parameters::Parameters;
use super::pursuit::Pursuit;
use super::rows::{add, row};
use super::training::{Training, normalize};
use crate::ops::flex::parallel;
use crate::ops::product;
use crate::readout::Readout;
use crate::{Error, Result};

/// Above a threshold nothing is estimated any more.
const NO_WINDOW: f32 = f32::MIN_POSITIVE;

/// What a greedy encoder has in place of an activation: values are never negative.
const PURSUED: Activation = Activation::Relu { l1: 0.0, by_norm: false };

/// A dictionary that is trained. Its kind tells which latents fire; what training made small is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Dictionary {
    config: Config,
    parameters: Parameters,
    normalization: Normalization,
    pursuit: Option<Pursuit>,
}

impl Dictionary {
    /// From its numbers. BatchTopK has no meaning here: an example stands alone.
    ///
    /// # Errors
    /// A setting that cannot be, numbers of another count, or one that is not finite.
    pub fn new(config: Config, parameters: Parameters) -> Result<Self> {
        config.check()?;
        let wrong =
            |name, found: String, expected: String| Err(Error::Setting { name, found, expected });
        if let Activation::BatchTopK { k } = config.activation {
            let expected = "a threshold's: examples stand alone".to_owned();
            return wrong("activation", format!("BatchTopK {k}"), expected);
        }
        let expected = Parameters::zeros(&config);
        for (name, (found, expected)) in
            Parameters::NAMES.into_iter().zip(parameters.all().into_iter().zip(expected.all()))
        {
            let (count, numbers) = (found.len(), expected.len());
            if count != numbers {
                return wrong(name, format!("{count} numbers"), format!("{numbers} numbers"));
            }
            if let Some(place) = found.iter().position(|number| !number.is_finite()) {
                let place = format!("not finite at number {place}");
                return wrong(name, place, "finite everywhere".to_owned());
            }
        }
        Ok(Self { config, parameters, normalization: Normalization::None, pursuit: None })
    }

    /// What training has come to, for activations as the layer gives them; it saw them multiplied
    /// by `scale`.
    ///
    /// Decoder rows keep their lengths: latents, biases and thresholds are divided by the scale
    /// instead, under which every kind gives the same latents.
    ///
    /// # Errors
    /// Training has left the finite numbers.
    pub fn of(training: &Training, scale: f32) -> Result<Self> {
        let mut parameters = training.parameters.clone();
        let latents = training.config.latents;
        let activation = match training.config.activation {
            Activation::Relu { by_norm, .. } => Activation::Relu { l1: 0.0, by_norm },
            Activation::TopK { k } => Activation::TopK { k },
            Activation::BatchTopK { .. } => {
                parameters.threshold = vec![training.threshold; latents];
                Activation::jump()
            }
            Activation::JumpRelu { logarithmic, .. } => {
                let of =
                    |trained: &mut f32| *trained = super::encode::threshold(*trained, logarithmic);
                parameters.threshold.iter_mut().for_each(of);
                Activation::jump()
            }
            Activation::Gated { .. } => Activation::Gated { l1: 0.0 },
        };
        let Parameters { encoder_bias, decoder_bias, threshold, magnitude_bias, .. } =
            &mut parameters;
        for values in [encoder_bias, decoder_bias, threshold, magnitude_bias] {
            values.iter_mut().for_each(|value| *value /= scale);
        }
        let config = Config { activation, revival: None, ..training.config.clone() };
        Self::new(config, parameters)
    }

    /// The same with the decoder's bias taken off before the encoder, or not.
    pub fn with_centring(mut self, centred: bool) -> Self {
        self.config.centred = centred;
        self
    }

    /// The same of examples that are normalized first, each on its own.
    pub fn with_normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// The same decoder, encoded greedily with its rows as they are.
    pub fn with_pursuit(mut self, pursuit: Pursuit) -> Self {
        let encoder = self.parameters.decoder.clone();
        let config = Config { activation: PURSUED, ..self.config };
        let (decoder, decoder_bias) = (self.parameters.decoder, self.parameters.decoder_bias);
        let parameters =
            Parameters { encoder, decoder, decoder_bias, ..Parameters::zeros(&config) };
        (self.config, self.parameters, self.pursuit) = (config, parameters, Some(pursuit));
        self
    }

    /// The same with decoder rows of length 1, for [`Self::with_pursuit`]: of a long row it would
    /// take too much.
    pub fn with_unit_rows(mut self) -> Self {
        normalize(&mut self.parameters.decoder, self.config.channels);
        self
    }

    /// What is done to an example first.
    pub fn normalization(&self) -> Normalization {
        self.normalization
    }

    /// How it encodes greedily, if it does.
    pub fn pursuit(&self) -> Option<Pursuit> {
        self.pursuit
    }

    /// What it is.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its numbers.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What a latent stands for, `[channels]`.
    pub fn direction(&self, latent: usize) -> &[f32] {
        row(&self.parameters.decoder, latent, self.config.channels)
    }

    /// What examples are made of, on the processor: the latents that fire, with their values.
    ///
    /// # Shapes
    /// - `examples`: `[examples, channels]`
    pub fn codes(&self, examples: &[f32]) -> Codes {
        let channels = self.config.channels;
        let mut centred = examples.to_vec();
        let mut frames = Vec::new();
        for example in centred.chunks_exact_mut(channels) {
            if self.normalization != Normalization::None {
                frames.push(self.normalization.apply(example));
            }
            if self.config.centred {
                add(example, &self.parameters.decoder_bias, -1.0);
            }
        }
        let codes = match &self.pursuit {
            Some(pursuit) => pursuit.codes(&self.parameters.decoder, &centred, channels),
            None => self.fired(&centred),
        };
        Codes { frames, ..codes }
    }

    /// The latents that fire.
    fn fired(&self, centred: &[f32]) -> Codes {
        let mut codes = encode(&self.config, &self.parameters, centred, &[]).chosen;
        for used in &mut codes.uses {
            used.pre = value(&self.config, &self.parameters, used);
        }
        codes.retain(|used| 0.0 < used.pre);
        codes
    }

    /// What it makes of what [`Self::codes`] found, `[examples, channels]`.
    pub fn decode(&self, codes: &Codes) -> Vec<f32> {
        let channels = self.config.channels;
        let mut examples = vec![0.0; codes.ends.len() * channels];
        parallel::each_piece(
            &mut examples,
            channels,
            || (),
            |example, sum, ()| {
                sum.copy_from_slice(&self.parameters.decoder_bias);
                for &Use { latent, pre } in codes.of(example..example + 1) {
                    add(sum, self.direction(latent as usize), pre);
                }
                if let Some(frame) = codes.frames.get(example) {
                    sum.iter_mut().for_each(|value| *value = *value * frame.scale + frame.shift);
                }
            },
        );
        examples
    }
}

impl Activation {
    /// Above a threshold, and nothing else.
    pub fn jump() -> Self {
        Self::JumpRelu { l0: 0.0, bandwidth: NO_WINDOW, logarithmic: false }
    }
}

/// A dictionary on a device, where it is read from a layer of a network that is there.
#[derive(Debug)]
pub struct OnDevice {
    activation: Activation,
    normalization: Normalization,
    pursuit: Option<Pursuit>,
    /// `[1, channels]`, where it is taken off.
    centre: Option<Tensor<2>>,
    /// `[latents, channels]`
    decoder: Tensor<2>,
    /// `[1, channels]`
    decoder_bias: Tensor<2>,
    /// `[channels, latents]`
    encoder: Tensor<2>,
    /// `[1, latents]`, as those below.
    encoder_bias: Tensor<2>,
    /// Or one that nobody looks at.
    threshold: Tensor<2>,
    /// Or one that nobody looks at.
    magnitude_scale: Tensor<2>,
    /// Or one that nobody looks at.
    magnitude_bias: Tensor<2>,
}

impl Dictionary {
    /// On a device.
    pub fn on(&self, device: &Device) -> OnDevice {
        let tensor = |values: &[f32], columns: usize| {
            // What a kind does not have is never looked at.
            let values = if values.is_empty() { vec![0.0; columns] } else { values.to_vec() };
            let rows = values.len() / columns;
            Tensor::<2>::from_data(TensorData::new::<f32, _>(values, [rows, columns]), device)
        };
        let Parameters { encoder, encoder_bias, decoder_bias, threshold, .. } = &self.parameters;
        let Config { channels, latents, activation, centred, .. } = self.config;
        OnDevice {
            activation,
            normalization: self.normalization,
            pursuit: self.pursuit,
            centre: centred.then(|| tensor(decoder_bias, channels)),
            decoder: tensor(&self.parameters.decoder, channels),
            decoder_bias: tensor(decoder_bias, channels),
            encoder: tensor(encoder, channels).transpose(),
            encoder_bias: tensor(encoder_bias, latents),
            threshold: tensor(threshold, latents),
            magnitude_scale: tensor(&self.parameters.magnitude_scale, latents).exp(),
            magnitude_bias: tensor(&self.parameters.magnitude_bias, latents),
        }
    }
}

impl Readout for OnDevice {
    fn latents(&self) -> usize {
        self.encoder.dims()[1]
    }

    /// The gradient is that of what goes into the nonlinearity, also where a latent does not fire:
    /// else a dream of a latent that is silent could not begin. Of a greedy encoder that is the
    /// product of the whole example with the latent's row.
    fn read(&self, activation: Tensor<2>) -> Tensor<2> {
        if !activation.is_autodiff() {
            let centred = self.centred(activation, Tensor::clone);
            if let Some(pursuit) = &self.pursuit {
                return pursuit.on_device(self.encoder.clone(), centred);
            }
            let [pre, open] = self.encoded(centred, Tensor::clone);
            return self.fired(pre, open);
        }
        let beside = |tensor: &Tensor<2>| Tensor::from_inner(tensor.clone());
        let centred = self.centred(activation, beside);
        let [pre, open] = self.encoded(centred.clone(), beside);
        let plain = pre.clone().inner();
        let fired = match &self.pursuit {
            Some(pursuit) => pursuit.on_device(self.encoder.clone(), centred.inner()),
            None => self.fired(plain.clone(), open.inner()),
        };
        Tensor::from_inner(fired) + (pre - Tensor::from_inner(plain))
    }

    fn write(&self, latents: Tensor<2>, activation: Tensor<2>) -> Option<Tensor<2>> {
        let made = product(latents, self.decoder.clone()) + self.decoder_bias.clone();
        Some(self.normalization.undone(made, activation))
    }
}

impl OnDevice {
    /// What goes into the encoder. `on` puts a tensor beside the activations.
    fn centred(&self, activation: Tensor<2>, on: impl Fn(&Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        let normalized = self.normalization.on_device(activation);
        match &self.centre {
            Some(centre) => normalized - on(centre),
            None => normalized,
        }
    }

    /// What goes into the nonlinearity, and what tells whether a latent is open: of a gated
    /// dictionary the gate, of others the same.
    fn encoded(&self, centred: Tensor<2>, on: impl Fn(&Tensor<2>) -> Tensor<2>) -> [Tensor<2>; 2] {
        let encoded = product(centred, on(&self.encoder));
        let open = encoded.clone() + on(&self.encoder_bias);
        let pre = match self.activation {
            Activation::Gated { .. } => {
                encoded * on(&self.magnitude_scale) + on(&self.magnitude_bias)
            }
            _ => open.clone(),
        };
        [pre, open]
    }

    fn fired(&self, pre: Tensor<2>, open: Tensor<2>) -> Tensor<2> {
        let is_open = match self.activation {
            Activation::Relu { .. } | Activation::BatchTopK { .. } => None,
            Activation::TopK { k } => {
                let least = open.clone().topk(k, 1).narrow(1, k - 1, 1);
                Some(open.greater_equal(least))
            }
            Activation::JumpRelu { .. } => {
                let threshold = self.threshold.clone().expand(open.dims());
                Some(open.greater(threshold))
            }
            Activation::Gated { .. } => Some(open.greater_elem(0.0)),
        };
        let fired = burn::tensor::activation::relu(pre);
        match is_open {
            Some(is_open) => fired * is_open.float(),
            None => fired,
        }
    }
}
