//! The Fourier parameterisation against an independent implementation in NumPy and PyTorch.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod closeness;
mod reference;

use closeness::{assert_agrees, values};
use shared::burn::tensor::{Tensor, TensorData};
use shared::device::cpu;
use shared::visualize::Settings;
use shared::visualize::parameters::{Painter, color_matrix};
use shared::weights::{NamedTensor, NamedTensors, from_safetensors};

fn golden() -> Option<NamedTensors> {
    let path = reference::path("golden/fourier_image.safetensors")?;
    Some(from_safetensors(&std::fs::read(path).unwrap()).unwrap().into_iter().collect())
}

/// `[3, height, half, 2]` as `[1, 3, 2 * height, half]`: real rows, then imaginary rows.
fn parameters(spectrum: &NamedTensor) -> Tensor<4> {
    let [channels, height, half, _] = spectrum.shape[..] else { panic!("{:?}", spectrum.shape) };
    let data = TensorData::new(spectrum.values.clone(), [channels, height, half, 2]);
    let interleaved = Tensor::<4>::from_data(data, &cpu());
    interleaved.permute([0, 3, 1, 2]).reshape([1, channels, 2 * height, half])
}

#[test]
fn pictures_and_gradients_agree_with_the_reference_at_even_and_odd_sizes() {
    let Some(golden) = golden() else { return };
    for (height, width) in [(64, 64), (97, 128), (128, 97)] {
        let named = |what: &str| &golden[&format!("{height}x{width}.{what}")];
        let settings = Settings { height, width, ..Settings::default() };
        let painter = Painter::new(&settings, &cpu()).unwrap();
        let spectrum = parameters(named("spectrum")).autodiff().require_grad();
        let picture = painter.paint(spectrum.clone());
        assert_agrees("picture", &values(picture.clone().inner()), &named("image").values);

        let cotangent = TensorData::new(named("cotangent").values.clone(), [1, 3, height, width]);
        let cotangent = Tensor::from_inner(Tensor::<4>::from_data(cotangent, &cpu()));
        let mut gradients = (picture * cotangent).sum().backward();
        let gradient = spectrum.grad_remove(&mut gradients).unwrap();
        let expected = values(parameters(named("grad_spectrum")));
        assert_agrees("gradient", &values(gradient), &expected);
    }
}

#[test]
fn the_colour_matrix_is_that_of_the_reference() {
    let Some(golden) = golden() else { return };
    let found = color_matrix().concat();
    for (found, expected) in found.iter().zip(&golden["color_matrix_normalized"].values) {
        assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
    }
}
