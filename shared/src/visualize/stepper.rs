//! One step uphill: where every idea meets. Owns optimizer and seed.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::image::Picture;
use crate::network::{self, Erosion, Network, Start};
use crate::ops::ReluGradient;
use crate::readout::Recorded;
use crate::visualize::adam::Adam;
use crate::visualize::parameters::Painter;
use crate::visualize::score::{Context, Score};
use crate::visualize::snapshot::Snapshot;
use crate::visualize::transform::Sampling;
use crate::visualize::{Objective, Settings};
use crate::{Error, Result, device};

/// A picture (or a batch of them) on its way up.
///
/// ```text
/// parameters -> picture -> transforms, noise -> preprocessing -> model, eroded -> tap -> objective
///     ^------------|---------- gradient, a mean over views -------------------------------|
/// ```
/// The gradient comes back in two pieces, each tracked for itself: from the objective to what the
/// network saw, then, through the transposed transforms, from the picture to its parameters.
/// Weights get no gradient, and the forward pass ends at the deepest tap.
///
/// The same seed on the same device gives the same pictures: every step draws its transforms from
/// a stream of its own, so that a dream resumed at step n goes on as if it had never stopped.
pub struct Dream {
    model: Arc<Network>,
    score: Score,
    painter: Painter,
    settings: Settings,
    seed: u64,
    device: Device,
    parameters: Tensor<4>,
    adam: Adam,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Steps made so far, this one included.
    pub step: usize,
    /// What was minimised: the objective, negated, as a mean over the batch. Measured on the
    /// pictures as they were before the step.
    pub loss: f32,
    /// Each term as printed and its value before its weight, as a mean over the batch.
    pub terms: Vec<(String, f32)>,
}

/// Where a view's number begins in the number of a stream of random numbers; the step stands below.
const VIEW_BITS: u32 = 32;

/// What came back from one look.
struct View {
    /// Of the loss with respect to the canvas; `None` if the objective does not see it.
    gradient: Option<Tensor<4>>,
    /// The terms' values that the network gave.
    values: Option<Tensor<1>>,
}

/// A pass through picture and network, and the gradient that came back.
struct Pass {
    /// Of the loss with respect to the parameters; `None` if the objective cannot see them.
    gradient: Option<Tensor<4>>,
    /// Each term's value, in the score's order.
    values: Vec<Tensor<1>>,
}

impl Dream {
    /// Starts from noise made from `seed`.
    ///
    /// # Errors
    /// A setting that cannot work, or an objective that names what the model does not have.
    pub fn new(
        model: Arc<Network>,
        objective: Objective,
        context: Context,
        settings: Settings,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        settings.validate()?;
        let score = Score::resolve(&objective, model.info(), &context)?;
        let painter = Painter::new(&settings, device)?;
        let parameters = painter.start(seed, device)?;
        let adam = Adam::new(&parameters);
        let device = device.clone();
        Ok(Self { model, score, painter, settings, seed, device, parameters, adam })
    }

    /// The readouts that its objective depends on.
    pub fn readouts(&self) -> Recorded {
        self.score.readouts()
    }

    /// Steps made so far.
    pub fn steps_made(&self) -> usize {
        self.adam.updates
    }

    /// One step uphill.
    ///
    /// # Errors
    /// A value that is not finite: the dream then stays as it was before the step. A place outside
    /// its layer, a picture too small for the layer, a device that fails.
    pub async fn step(&mut self) -> Result<Report> {
        let step = self.steps_made() + 1;
        let Pass { gradient, mut values } = self.pass(step)?;
        let terms: usize = values.iter().map(|values| values.dims()[0]).sum();
        if let Some(gradient) = &gradient {
            values.push(gradient.clone().abs().sum());
        }
        // One read a step: on a GPU each costs a round trip.
        let read = device::read(Tensor::cat(values, 0)).await?;
        let report = self.report(step, &read[..terms]);
        if !report.loss.is_finite() {
            return Err(Error::NotFinite { step, what: "the loss" });
        }
        if read[terms..].iter().any(|size| !size.is_finite()) {
            return Err(Error::NotFinite { step, what: "the gradient" });
        }
        let gradient = gradient.unwrap_or_else(|| self.parameters.zeros_like());
        let rate = self.settings.learning_rate;
        self.parameters = self.adam.update(self.parameters.clone(), gradient, rate);
        Ok(report)
    }

    /// The pictures as they are now, one for each of the batch.
    pub async fn images(&self) -> Result<Vec<Picture>> {
        Picture::from_tensor(self.picture()).await
    }

    /// The objective on the pictures themselves, without transforms, as they are now.
    pub async fn evaluate(&self) -> Result<Report> {
        let picture = self.picture();
        let taps = self.score.taps();
        let input = self.model.info().preprocessing.apply(picture.clone());
        let caught = self.model.forward(Start::Picture(input), &network::Pass::to(&taps))?;
        let values = self.score.of_activations(&caught)?.into_iter();
        let values: Vec<_> =
            values.chain(self.score.of_picture(&picture)).map(|share| share.values).collect();
        Ok(self.report(self.steps_made(), &device::read(Tensor::cat(values, 0)).await?))
    }

    fn picture(&self) -> Tensor<4> {
        self.painter.cut(self.painter.paint(self.parameters.clone()))
    }

    /// Everything needed to go on exactly from here.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot {
            step: self.steps_made(),
            shape: self.painter.shape(),
            parameters: device::read(self.parameters.clone()).await?,
            first_moment: device::read(self.adam.first.clone()).await?,
            second_moment: device::read(self.adam.second.clone()).await?,
        })
    }

    /// Goes back (or on) to a snapshot of a dream with the same settings.
    ///
    /// # Errors
    /// A snapshot of another size or parameterisation.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let shape = self.painter.shape();
        if snapshot.shape != shape {
            let reason = format!("shape {:?}, this dream has {shape:?}", snapshot.shape);
            return Err(Error::Format { what: "snapshot".to_owned(), reason });
        }
        let tensor = |values: &[f32]| {
            Tensor::from_data(TensorData::new(values.to_vec(), shape), &self.device)
        };
        self.parameters = tensor(&snapshot.parameters);
        self.adam = Adam {
            first: tensor(&snapshot.first_moment),
            second: tensor(&snapshot.second_moment),
            updates: snapshot.step,
        };
        Ok(())
    }

    fn pass(&self, step: usize) -> Result<Pass> {
        let redirected = step <= self.settings.redirected_steps;
        let relu = if redirected { ReluGradient::Redirected } else { ReluGradient::Exact };
        let parameters = self.parameters.clone().autodiff().require_grad();
        let canvas = self.painter.paint(parameters.clone());

        let views: Vec<View> = (0..self.settings.views)
            .map(|view| self.view(step, view, canvas.clone().inner(), relu))
            .collect::<Result<_>>()?;
        let (gradients, seen): (Vec<_>, Vec<_>) =
            views.into_iter().map(|view| (view.gradient, view.values)).unzip();
        let gradient = mean(gradients.into_iter().flatten());
        let seen = mean(seen.into_iter().flatten());
        let painted = self.score.of_picture(&self.painter.cut(canvas.clone()));

        let mut losses = Vec::new();
        losses.extend(gradient.map(|gradient| (canvas * Tensor::from_inner(gradient)).sum()));
        losses.extend(painted.as_ref().map(|share| share.score.clone().neg()));
        let gradient = losses.into_iter().reduce(|left, right| left + right).and_then(|loss| {
            let mut gradients = loss.backward();
            parameters.grad_remove(&mut gradients)
        });
        let values = seen.into_iter().chain(painted.map(|share| share.values)).collect();
        Ok(Pass { gradient, values })
    }

    /// One look at the canvas, with a movement, noise and erosion of its own.
    fn view(
        &self,
        step: usize,
        view: usize,
        canvas: Tensor<4>,
        relu: ReluGradient,
    ) -> Result<View> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(step as u64 | (view as u64) << VIEW_BITS);
        let sampling =
            Sampling::draw(&self.settings, self.model.info().patch(), &mut random, &self.device)?;
        let seen = sampling.as_ref().map_or(canvas.clone(), |sampling| sampling.apply(canvas));
        let seen = self.noisy(seen, &mut random);
        let erosion = Erosion::new(self.settings.erosion, random.next_u64());
        let taps = self.score.taps();
        let preprocessing = &self.model.info().preprocessing;
        let start = Start::Picture(preprocessing.apply(seen));
        let (caught, pullback) =
            self.model.look(start, &network::Pass { taps: &taps, edits: &[], relu, erosion })?;
        let caught = caught.tracked();
        let Some(share) = self.score.of_activations(&caught)? else {
            return Ok(View { gradient: None, values: None });
        };
        // Larger is better, and optimizers go down: the sign turns here and where penalties join.
        let gradients = caught.gradients(share.score.neg());
        let gradient = pullback.pull(gradients).map(|gradient| {
            let gradient = preprocessing.pull_back(gradient.grid);
            match &sampling {
                Some(sampling) => sampling.pull_back(gradient),
                None => gradient,
            }
        });
        Ok(View { gradient, values: Some(share.values) })
    }

    /// Adds noise to what the network sees.
    fn noisy(&self, seen: Tensor<4>, random: &mut ChaCha8Rng) -> Tensor<4> {
        if self.settings.noise == 0.0 {
            return seen;
        }
        let shape = seen.dims();
        let deviation = self.settings.noise as f32;
        let draws = StandardNormal.sample_iter(random).take(shape.iter().product());
        let values: Vec<f32> = draws.map(|draw: f32| deviation * draw).collect();
        seen + Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    fn report(&self, step: usize, values: &[f32]) -> Report {
        Report { step, loss: -self.score.total(values), terms: self.score.report(values) }
    }
}

/// Nothing, of nothing.
fn mean<const D: usize>(tensors: impl Iterator<Item = Tensor<D>>) -> Option<Tensor<D>> {
    let mut count = 0.0;
    let sum = tensors.inspect(|_| count += 1.0).reduce(|sum, one| sum + one)?;
    Some(sum.div_scalar(count))
}
