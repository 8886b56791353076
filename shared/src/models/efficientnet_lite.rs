//! EfficientNet-Lite: Tan and Le 2019, arXiv:1905.11946, in the variants that Google published for
//! small devices: no squeeze-and-excitation, ReLU6, stem and head of fixed width.
//!
//! <https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>
//!
//! Padding is TensorFlow's: it depends on the input's size, and falls on the right and bottom
//! where it is odd.

mod names;
mod plan;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};

use crate::Result;
use crate::models::fit::{self, Fitted, Source};
use crate::models::tape::Tape;
use crate::models::{Manner, ModelInfo, VisionModel};
use crate::ops;
use crate::preprocess::{ChannelOrder, Preprocessing};
use crate::tap::Activations;
use crate::weights::{NamedTensor, NamedTensors};

use names::Naming;
use plan::{Block, Convolution, Mixing, Plan};

/// Pixels that are cut off a picture's sides, together, before it is classified.
const CROP_MARGIN: usize = 32;

/// The published sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// 4.7 million parameters, 224 pixels.
    Lite0,
    /// 5.4 million, 240 pixels.
    Lite1,
    /// 6.1 million, 260 pixels.
    Lite2,
    /// 8.2 million, 280 pixels.
    Lite3,
    /// 13.0 million, 300 pixels.
    Lite4,
}

/// What tells the sizes apart.
struct Scale {
    name: &'static str,
    title: &'static str,
    /// Factor of the channels.
    width: f64,
    /// Factor of the blocks in a stage.
    depth: f64,
    /// Pixels of the picture it was trained with.
    side: usize,
}

impl Variant {
    /// Every size, smallest first.
    pub const ALL: [Self; 5] = [Self::Lite0, Self::Lite1, Self::Lite2, Self::Lite3, Self::Lite4];

    fn scale(self) -> Scale {
        let scale = |name, title, width, depth, side| Scale { name, title, width, depth, side };
        match self {
            Self::Lite0 => scale("efficientnet-lite0", "EfficientNet-Lite0", 1.0, 1.0, 224),
            Self::Lite1 => scale("efficientnet-lite1", "EfficientNet-Lite1", 1.0, 1.1, 240),
            Self::Lite2 => scale("efficientnet-lite2", "EfficientNet-Lite2", 1.1, 1.2, 260),
            Self::Lite3 => scale("efficientnet-lite3", "EfficientNet-Lite3", 1.2, 1.4, 280),
            Self::Lite4 => scale("efficientnet-lite4", "EfficientNet-Lite4", 1.4, 1.8, 300),
        }
    }

    /// Names, sizes, preprocessing.
    pub fn info(self) -> ModelInfo {
        let scale = self.scale();
        ModelInfo {
            name: scale.name,
            title: scale.title,
            origin: "Google's EfficientNet-Lite, trained on ImageNet (Apache-2.0)",
            preprocessing: Preprocessing {
                order: ChannelOrder::Rgb,
                // (x - 127) / 128 of 0..=255.
                scale: [255.0 / 128.0; 3],
                offset: [-127.0 / 128.0; 3],
                resize_shorter_side: scale.side + CROP_MARGIN,
                crop: scale.side,
            },
            layers: plan::describe(&plan::plan(&scale)),
        }
    }

    /// What each naming calls the numbers of every convolution, in forward order.
    pub(super) fn namings(self) -> Vec<Vec<Source>> {
        let plan = plan::plan(&self.scale());
        Naming::ALL.map(|naming| naming.sources(&plan)).into()
    }

    /// Names and shapes of the tensors that the variant's own publication holds.
    pub fn published_tensors(self) -> BTreeMap<String, Vec<usize>> {
        let sources = Naming::Published.sources(&plan::plan(&self.scale()));
        sources.iter().flat_map(Source::tensors).collect()
    }

    /// The network's tensors with batch normalisation folded in, under canonical names.
    ///
    /// # Errors
    /// As [`EfficientNetLite::load`].
    pub fn folded(self, weights: NamedTensors) -> Result<NamedTensors> {
        let scale = self.scale();
        let plan = plan::plan(&scale);
        let sources = Naming::Canonical.sources(&plan);
        let named = |source: &Source, Fitted { weight, bias }| {
            let shapes = source.tensors().into_iter().zip([weight, bias]);
            shapes.map(|((name, shape), values)| (name, NamedTensor { shape, values })).collect()
        };
        let fitted = fit(scale.name, &plan, weights)?;
        let tensors = sources.iter().zip(fitted).map(|(source, fitted)| named(source, fitted));
        Ok(tensors.flat_map(|tensors: Vec<_>| tensors).collect())
    }
}

fn fit(model: &str, plan: &Plan<()>, weights: NamedTensors) -> Result<Vec<Fitted>> {
    let namings = Naming::ALL.map(|naming| naming.sources(plan));
    Ok(fit::fit(model, namings, weights, names::is_training_only)?)
}

/// Parameters of a convolution, frozen.
#[derive(Clone, Debug)]
struct Weights {
    /// `[outputs, inputs of each, kernel, kernel]`
    weight: Tensor<4>,
    /// `[outputs]`
    bias: Tensor<1>,
}

/// An EfficientNet-Lite with weights.
pub struct EfficientNetLite {
    info: ModelInfo,
    plan: Plan<Weights>,
}

impl EfficientNetLite {
    /// Builds the network from tensors under the names of the published `.pth` files, timm's, or
    /// canonical ones. Batch normalisation is folded into the convolutions.
    ///
    /// # Errors
    /// Every tensor that is missing, unexpected, wrongly shaped or not finite, in one error.
    pub fn load(variant: Variant, weights: NamedTensors, device: &Device) -> Result<Self> {
        let info = variant.info();
        let plan = plan::plan(&variant.scale());
        let mut fitted = fit(info.name, &plan, weights)?.into_iter();
        // The network is frozen: its weights stay off the gradient tape.
        let device = device.clone().inner();
        let mut upload = |plan: &Convolution<()>| {
            let Fitted { weight, bias } = fitted.next().unwrap_or_default();
            Weights {
                weight: Tensor::from_data(TensorData::new(weight, plan.kernels()), &device),
                bias: Tensor::from_data(TensorData::new(bias, [plan.outputs]), &device),
            }
        };
        Ok(Self { info, plan: plan.load(&mut upload) })
    }
}

impl VisionModel for EfficientNetLite {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn forward(&self, input: Tensor<4>, taps: &[&str], manner: Manner) -> Result<Activations> {
        let mut pass = Pass { tape: Tape::new(&self.info, taps)?, manner };
        // Nothing comes back once nothing more is wanted.
        self.plan.run(input, &mut pass);
        Ok(pass.tape.into_activations())
    }
}

/// A forward pass under way.
struct Pass<'a> {
    tape: Tape<'a>,
    manner: Manner,
}

impl Pass<'_> {
    /// Notes the value if it is wanted; it goes on if anything still is.
    fn offer(&mut self, layer: &str, value: Tensor<4>) -> Option<Tensor<4>> {
        self.tape.offer(layer, &value);
        (!self.tape.is_complete()).then_some(value)
    }
}

impl Plan<Weights> {
    fn run(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Option<Tensor<4>> {
        let mut value = self.stem.activated(input, pass)?;
        for block in &self.blocks {
            value = block.run(value, pass)?;
        }
        let value = self.head.activated(value, pass)?;
        let value = pass.offer("avgpool", value.mean_dims(&[2, 3]))?;
        pass.offer(&self.classifier.name, self.classifier.apply(value))
    }
}

impl Block<Weights> {
    fn run(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Option<Tensor<4>> {
        let wide = match &self.expand {
            Some(expand) => expand.activated(input.clone(), pass)?,
            None => input.clone(),
        };
        let filtered = self.depthwise.activated(wide, pass)?;
        let narrow = pass.offer(&self.project.name, self.project.apply(filtered))?;
        let output =
            if self.residual { narrow + pass.manner.erosion.of_path(input) } else { narrow };
        pass.offer(&self.name, output)
    }
}

impl Convolution<Weights> {
    /// # Shapes
    /// - `input`: `[batch, inputs, height, width]`
    /// - returns: `[batch, outputs, height / stride, width / stride]`, rounded up
    fn apply(&self, input: Tensor<4>) -> Tensor<4> {
        let Weights { weight, bias } = self.weights.clone();
        match self.mixing {
            Mixing::Dense => ops::convolution(input, weight, bias, self.window),
            Mixing::Depthwise => ops::depthwise_convolution(input, weight, bias, self.window),
        }
    }

    /// The convolution, then ReLU6; both are offered.
    fn activated(&self, input: Tensor<4>, pass: &mut Pass<'_>) -> Option<Tensor<4>> {
        let before = pass.offer(&self.pre_relu_name(), self.apply(input))?;
        pass.offer(&self.name, ops::relu6(before, pass.manner.relu))
    }
}
