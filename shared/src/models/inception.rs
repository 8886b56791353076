//! Inception V1 (GoogLeNet): Szegedy et al. 2014, arXiv:1409.4842, in its three published variants.
//!
//! They differ in widths, padding, normalisation and input range, which one table tells; block and
//! forward pass are the same.

mod names;
mod plan;
mod widths;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use crate::models::fit::{self, Fitted, Source};
use crate::models::tape::{Need, Tape};
use crate::models::{Manner, ModelInfo, VisionModel};
use crate::ops::{self, ReluGradient};
use crate::tap::Activations;
use crate::weights::NamedTensors;
use crate::{Error, Result};

pub use names::is_training_only;

use names::Naming;
use plan::{Branch, Convolution, Entry, Layer, Module};
use widths::Architecture;

/// The published training runs of Inception V1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// BVLC's, trained with Caffe.
    GoogLeNet,
    /// Google's own, known as inception5h: the network of Distill's articles, Lucid and Lucent.
    InceptionV1,
    /// torchvision's, trained with batch normalisation.
    GoogLeNetTorchvision,
}

impl Variant {
    /// Every variant, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::GoogLeNet, Self::InceptionV1, Self::GoogLeNetTorchvision];

    /// Names, sizes, preprocessing.
    pub fn info(self) -> ModelInfo {
        let architecture = Architecture::of(self);
        let layers = plan::describe(&plan::plan(&architecture));
        let Architecture { name, title, origin, preprocessing, .. } = architecture;
        ModelInfo { name, title, origin, preprocessing, layers }
    }

    /// What each naming calls the numbers of every convolution, in forward order.
    pub(super) fn namings(self) -> Vec<Vec<Source>> {
        namings(&plan::plan(&Architecture::of(self)))
    }

    /// Names and shapes of the tensors that the variant's own publication holds, auxiliary
    /// classifiers left out.
    pub fn published_tensors(self) -> BTreeMap<String, Vec<usize>> {
        let plan = plan::plan(&Architecture::of(self));
        let convolutions = plan.iter().flat_map(Layer::convolutions);
        convolutions.flat_map(|plan| Naming::native(self).source(plan).tensors()).collect()
    }
}

fn namings(plan: &[Layer<()>]) -> Vec<Vec<Source>> {
    let sources = |naming: Naming| {
        let convolutions = plan.iter().flat_map(Layer::convolutions);
        convolutions.map(|convolution| naming.source(convolution)).collect()
    };
    Naming::ALL.map(sources).into()
}

/// Parameters of a convolution, frozen.
#[derive(Clone, Debug)]
struct Weights {
    /// `[outputs, inputs, kernel, kernel]`
    weight: Tensor<4>,
    /// `[outputs]`
    bias: Tensor<1>,
}

/// An Inception V1 with weights.
pub struct Inception {
    info: ModelInfo,
    layers: Vec<Layer<Weights>>,
}

impl Inception {
    /// Builds the network from tensors under Caffe's, torchvision's or Lucent's names.
    ///
    /// Batch normalisation (torchvision's names) is folded into the convolutions. Tensors of the
    /// auxiliary classifiers, which only training needs, are ignored.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, wrongly shaped or not finite, in one error.
    pub fn load(variant: Variant, weights: NamedTensors, device: &Device) -> Result<Self> {
        let info = variant.info();
        let plan = plan::plan(&Architecture::of(variant));
        let fitted = fit::fit(info.name, namings(&plan), weights, is_training_only)?;
        let mut fitted = fitted.into_iter();
        // The network is frozen: its weights stay off the gradient tape.
        let device = device.clone().inner();
        let mut upload = |plan: &Convolution<()>| {
            let Fitted { weight, bias, .. } = fitted.next().unwrap_or_default();
            let shape = [plan.outputs, plan.inputs, plan.window.kernel, plan.window.kernel];
            Weights {
                weight: Tensor::from_data(TensorData::new(weight, shape), &device),
                bias: Tensor::from_data(TensorData::new(bias, [plan.outputs]), &device),
            }
        };
        let layers = plan.into_iter().map(|layer| layer.load(&mut upload)).collect();
        Ok(Self { info, layers })
    }

    /// Fails unless every layer up to the deepest wanted one has a position left.
    fn check_size(&self, [height, width]: [usize; 2], tape: &Tape) -> Result<()> {
        let needed = tape.layers_needed(self.layers.iter().map(Layer::name));
        let layers = &self.layers[..needed];
        let fits = |side: usize| {
            layers.iter().try_fold(side, |length, layer| layer.positions(length)).is_some()
        };
        if fits(height) && fits(width) {
            return Ok(());
        }
        let smallest = (1..).find(|&side| fits(side)).unwrap_or_default();
        let deepest = layers.last().map(Layer::name).unwrap_or_default();
        Err(Error::Setting {
            name: "the input's size",
            found: format!("{width}x{height} pixels"),
            expected: format!(
                "at least {smallest}x{smallest} for {} to reach {deepest}",
                self.info.name
            ),
        })
    }
}

impl VisionModel for Inception {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn forward(&self, input: Tensor<4>, taps: &[&str], mut manner: Manner) -> Result<Activations> {
        let mut tape = Tape::new(&self.info, taps)?;
        let [_, _, height, width] = input.dims();
        self.check_size([height, width], &tape)?;
        let mut value = input;
        for layer in &self.layers {
            if tape.is_complete() {
                break;
            }
            match layer.run(value, &mut tape, &mut manner) {
                Some(output) => value = output,
                None => break,
            }
        }
        Ok(tape.into_activations())
    }
}

impl Layer<Weights> {
    /// Runs the layer and notes what is wanted. Nothing comes back if nothing more is.
    fn run(&self, input: Tensor<4>, tape: &mut Tape, manner: &mut Manner) -> Option<Tensor<4>> {
        let output = match self {
            Layer::Convolution(convolution) => {
                let before = convolution.apply(input);
                tape.offer(&convolution.pre_relu_name, &before);
                if tape.is_complete() {
                    return None;
                }
                ops::relu(before, manner.relu)
            }
            Layer::MaxPool { pool, .. } => ops::max_pool(input, *pool),
            Layer::Normalize { normalization, .. } => {
                ops::local_response_norm(input, *normalization)
            }
            Layer::Average { .. } => input.mean_dims(&[2, 3]),
            Layer::Classify(convolution) => convolution.apply(input),
            Layer::Module(module) => return module.run(input, tape, manner),
        };
        tape.offer(self.name(), &output);
        Some(output)
    }
}

impl Module<Weights> {
    /// Runs only the branches that something wanted depends on.
    fn run(&self, input: Tensor<4>, tape: &mut Tape, manner: &mut Manner) -> Option<Tensor<4>> {
        let need = tape.need(&self.name, &self.pre_relu_name);
        let mut joined = Joined::default();
        for branch in &self.branches {
            branch.run(&input, need, tape, manner.relu, &mut joined);
        }
        if need.before {
            tape.offer(&self.pre_relu_name, &Tensor::cat(joined.before, 1));
        }
        if !need.after {
            return None;
        }
        let channels: Vec<_> = joined.after.iter().map(|branch| branch.dims()[1]).collect();
        let output = Tensor::cat(joined.after, 1);
        tape.offer(&self.name, &output);
        Some(manner.erosion.of_paths(output, &channels))
    }
}

/// Ends of the branches so far, as far as they are needed.
#[derive(Default)]
struct Joined {
    before: Vec<Tensor<4>>,
    after: Vec<Tensor<4>>,
}

impl Branch<Weights> {
    fn run(
        &self,
        input: &Tensor<4>,
        need: Need,
        tape: &mut Tape,
        relu: ReluGradient,
        joined: &mut Joined,
    ) {
        let last = &self.last;
        let to_the_end =
            need.all_branches() || tape.wants(&last.name) || tape.wants(&last.pre_relu_name);
        let entered = match &self.entry {
            Entry::Straight => to_the_end,
            Entry::Bottleneck(Convolution { name, pre_relu_name, .. }) => {
                to_the_end || tape.wants(name) || tape.wants(pre_relu_name)
            }
            Entry::Pool { name, .. } => to_the_end || tape.wants(name),
        };
        if !entered {
            return;
        }
        let value = match &self.entry {
            Entry::Straight => input.clone(),
            Entry::Bottleneck(bottleneck) => {
                let before = bottleneck.apply(input.clone());
                tape.offer(&bottleneck.pre_relu_name, &before);
                let after = ops::relu(before, relu);
                tape.offer(&bottleneck.name, &after);
                after
            }
            Entry::Pool { name, pool } => {
                let pooled = ops::max_pool(input.clone(), *pool);
                tape.offer(name, &pooled);
                pooled
            }
        };
        if !to_the_end {
            return;
        }
        let before = last.apply(value);
        tape.offer(&last.pre_relu_name, &before);
        if need.before {
            joined.before.push(before.clone());
        }
        if need.after || tape.wants(&last.name) {
            let after = ops::relu(before, relu);
            tape.offer(&last.name, &after);
            if need.after {
                joined.after.push(after);
            }
        }
    }
}

impl Convolution<Weights> {
    /// # Shapes
    /// - `input`: `[batch, inputs, height, width]`, large enough (checked before the first layer)
    /// - returns: `[batch, outputs, height / stride, width / stride]`
    fn apply(&self, input: Tensor<4>) -> Tensor<4> {
        let Weights { weight, bias } = self.weights.clone();
        ops::convolution(input, weight, bias, self.window)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// A network in which every convolution but these has weights that no input fits.
    fn runs_with_only(convolutions: &[&str], tap: &str) -> bool {
        let device = crate::device::cpu();
        let mut upload = |plan: &Convolution<()>| {
            let shape = match convolutions.contains(&plan.name.as_str()) {
                true => [plan.outputs, plan.inputs, plan.window.kernel, plan.window.kernel],
                false => [1, 1, 1, 1],
            };
            let bias = Tensor::zeros([shape[0]], &device);
            Weights { weight: Tensor::zeros(shape, &device), bias }
        };
        let plan = plan::plan(&Architecture::of(Variant::GoogLeNet)).into_iter();
        let layers = plan.map(|layer| layer.load(&mut upload)).collect();
        let network = Inception { info: Variant::GoogLeNet.info(), layers };
        let input = Tensor::zeros([1, 3, 32, 32], &device);
        let forward = || network.forward(input, &[tap], Manner::default()).is_ok();
        catch_unwind(AssertUnwindSafe(forward)).unwrap_or(false)
    }

    #[test]
    fn only_what_a_tap_depends_on_is_run() {
        let trunk = ["conv2d0", "conv2d1", "conv2d2"];
        let cases: [(&str, &[&str]); 8] = [
            ("maxpool1", &[]),
            ("mixed3a_pool", &[]),
            ("mixed3a_1x1", &["mixed3a_1x1"]),
            ("mixed3a_1x1_pre_relu", &["mixed3a_1x1"]),
            ("mixed3a_5x5_bottleneck", &["mixed3a_5x5_bottleneck"]),
            ("mixed3a_5x5", &["mixed3a_5x5_bottleneck", "mixed3a_5x5"]),
            ("mixed3a_pool_reduce", &["mixed3a_pool_reduce"]),
            (
                "mixed3a_pre_relu",
                &[
                    "mixed3a_1x1",
                    "mixed3a_3x3_bottleneck",
                    "mixed3a_3x3",
                    "mixed3a_5x5_bottleneck",
                    "mixed3a_5x5",
                    "mixed3a_pool_reduce",
                ],
            ),
        ];
        for (tap, branch) in cases {
            let needed = [&trunk, branch].concat();
            assert!(runs_with_only(&needed, tap), "{tap}");
            // Without the last of them it must not run, or this test could not fail.
            assert!(!runs_with_only(&needed[..needed.len() - 1], tap), "{tap}");
        }
    }
}
