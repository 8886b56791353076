//! ViT-Ti/16's weights from a formula.

#[path = "../../../shared/tests/closed_form/mod.rs"]
#[allow(dead_code, reason = "its picture is for other tests")]
mod closed_form;

use shared::models;
use shared::weights::{NamedTensor, NamedTensors};

use closed_form::uniform;

/// Under timm's names. Values that matter: tokens differ, and so do pictures.
pub fn weights() -> NamedTensors {
    let tiny = models::blueprint("vit-tiny-patch16-224").unwrap();
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let (centre, amplitude) = match shape.as_slice() {
            [_] if name.contains("norm") && name.ends_with("weight") => (1.0, 0.2),
            [_] => (0.0, 0.1),
            [_, inputs @ ..] if name.ends_with("weight") => {
                (0.0, (3.0 / inputs.iter().product::<usize>() as f64).sqrt())
            }
            _ => (0.0, 0.5),
        };
        let count = shape.iter().product();
        let values = uniform(&name).take(count).map(|u| (centre + amplitude * u) as f32).collect();
        (name, NamedTensor { shape, values })
    };
    tiny.tensors(0).into_iter().map(tensor).collect()
}
