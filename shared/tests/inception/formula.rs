//! Weights and a picture from closed formulas, as `scripts/inception_reference.py` computes them.

use shared::burn::tensor::{Tensor, TensorData};
use shared::device::cpu;
use shared::models::inception::{Inception, Variant};
use shared::weights::{NamedTensor, NamedTensors};

/// One number in -1..1 for each place of the tensor of this name: SplitMix64 seeded with FNV-1a of
/// the name.
fn uniform(name: &str) -> impl Iterator<Item = f64> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (1_u64..).map(move |place| {
        let mut z = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

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

/// The variant with these weights.
pub fn network(variant: Variant) -> Inception {
    Inception::load(variant, weights(variant), &cpu()).unwrap()
}

/// RGB in 0..1, as the script makes it.
pub fn picture() -> Tensor<4> {
    let (height, width) = (77, 90);
    let mut planes = Vec::new();
    for c in 0..3 {
        for y in 0..height {
            for x in 0..width {
                let (c, y, x) = (f64::from(c), f64::from(y), f64::from(x));
                let phase = 2.0 * (0.05 * x * (1.0 + c)).sin() + (0.2 * y).cos() + 0.51 * c;
                planes.push((0.5 + 0.5 * phase.sin()) as f32);
            }
        }
    }
    Tensor::from_data(TensorData::new(planes, [1, 3, height as usize, width as usize]), &cpu())
}
