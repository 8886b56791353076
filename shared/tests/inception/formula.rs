//! Weights and a picture from closed formulas, as `scripts/inception_reference.py` computes them.

use shared::burn::tensor::Tensor;
use shared::device::cpu;
use shared::models::inception::Variant;
use shared::network::Network;
use shared::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};

use super::closed_form::{picture as picture_of, uniform};

fn formula(name: &str, shape: &[usize], bias_amplitude: f64) -> NamedTensor {
    let count = shape.iter().product();
    let (centre, amplitude) = if name.ends_with("running_var") {
        (1.0, 0.5)
    } else if name.ends_with("bn.weight") {
        (1.0, 0.2)
    } else if name.ends_with("bias") || name.ends_with("running_mean") {
        (0.0, bias_amplitude)
    } else {
        (0.0, (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt())
    };
    let values = uniform(name).take(count).map(|u| (centre + amplitude * u) as f32).collect();
    NamedTensor { shape: shape.to_vec(), values }
}

/// Every tensor that the variant's publication holds.
pub fn weights(variant: Variant) -> NamedTensors {
    // Large enough to matter beside the activations, which follow the input's range.
    let bias_amplitude = match variant {
        Variant::GoogLeNet | Variant::InceptionV1 => 20.0,
        Variant::GoogLeNetTorchvision => 0.2,
    };
    let published = variant.published_tensors().into_iter();
    published
        .map(|(name, shape)| {
            let tensor = formula(&name, &shape, bias_amplitude);
            (name, tensor)
        })
        .collect()
}

/// The same as a file of half precision, as trained weights come.
pub fn file(variant: Variant) -> Vec<u8> {
    to_safetensors(&weights(variant), Precision::F16, &Default::default()).unwrap()
}

/// The variant with these weights.
pub fn network(variant: Variant) -> Network {
    variant.blueprint().load(weights(variant), &cpu()).unwrap()
}

/// RGB in 0..1, as the script makes it.
pub fn picture() -> Tensor<4> {
    picture_of(77, 90, 0.51)
}
