//! Named directions: each a readout with one latent, `mixed4c/{stripes}`.

use burn::tensor::Tensor;

use super::{Derived, Readout, Readouts};
use crate::network::ModelInfo;
use crate::tap::{LayerId, LayerInfo};
use crate::weights::from_safetensors;
use crate::{Error, Result};

/// The power of the cosine in a direction's value.
///
/// Lucid leaves it to the caller (`cossim_pow`, 0 unless told otherwise, which is the plain dot
/// product and likes large activations of any kind). Squared, what points elsewhere counts little.
const COSINE_POWER: i32 = 2;

/// Below this a cosine no longer matters, so that what points away still has a slope to climb (Lucid).
const COSINE_FLOOR: f64 = 0.1;

/// Added to lengths before dividing by them (Lucid).
const LENGTH_EPSILON: f64 = 1e-4;

/// Added under the root of an activation's squared length: where every channel is silent,
/// as is common after a ReLU, the root alone has no gradient.
const SQUARE_EPSILON: f64 = 1e-12;

/// `dot * max(0.1, cosine)^2`: a dot product of activations with a direction, times their cosine
/// similarity to the power [`COSINE_POWER`] (Lucid, `optvis/objectives.py`, `direction` and
/// `_dot_cossim`), `cosine = dot / (1e-4 + |activation|) / (1e-4 + |direction|)`.
///
/// # Shapes
/// - `dot`, `squares`: as many as there are activations; `squares` are of their lengths
/// - returns: as these
pub(crate) fn weighed_by_cosine<const D: usize>(
    dot: Tensor<D>,
    squares: Tensor<D>,
    length: f64,
) -> Tensor<D> {
    let activation_length = (squares + SQUARE_EPSILON).sqrt();
    let cosine = dot.clone() / (activation_length + LENGTH_EPSILON) / (length + LENGTH_EPSILON);
    dot * cosine.clamp_min(COSINE_FLOOR).powi_scalar(COSINE_POWER)
}

/// What it reads of an activation is [`weighed_by_cosine`].
#[derive(Debug)]
struct Direction {
    /// One a channel.
    values: Vec<f32>,
    length: f64,
}

impl Readout for Direction {
    fn latents(&self) -> usize {
        1
    }

    fn read(&self, activation: Tensor<2>) -> Tensor<2> {
        let device = activation.device().inner();
        let direction = Tensor::<1>::from_floats(self.values.as_slice(), &device).reshape([-1, 1]);
        // Places side by side, as layers have them: sums over channels go one after the other.
        let by_channel = activation.transpose();

        let dot = (by_channel.clone() * direction).sum_dim(0);
        weighed_by_cosine(dot, by_channel.square().sum_dim(0), self.length).transpose()
    }
}

/// The direction called `name` among the channels of a layer.
///
/// # Errors
/// Another number of values than channels, or one that is not finite.
pub fn direction(
    parent: (LayerId, &LayerInfo),
    name: &str,
    values: Vec<f32>,
    sha256: &str,
) -> Result<Derived> {
    let (_, layer) = parent;
    let own = format!("{{{name}}}");
    let wrong =
        |reason| Err(Error::Format { what: format!("direction {}/{own}", layer.name), reason });
    if values.len() != layer.channels {
        let (found, expected) = (values.len(), layer.channels);
        return wrong(format!("{found} values, expected one for each of {expected} channels"));
    }
    if let Some(channel) = values.iter().position(|value| !value.is_finite()) {
        return wrong(format!("the value at channel {channel} is not finite"));
    }
    let length = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    Ok(Derived::new(parent, &own, Direction { values, length }, sha256))
}

/// Reads a safetensors file whose tensors are called `LAYER/NAME` and hold a value a channel; the
/// last slash divides, and the layer may go by any of its names. `sha256` is the file's.
///
/// # Errors
/// A layer that is none, a tensor without a slash in its name, one that is no direction of its
/// layer.
pub fn read(bytes: &[u8], sha256: &str, info: &ModelInfo) -> Result<Readouts> {
    let mut directions = Readouts::new();
    for (tensor_name, tensor) in from_safetensors(bytes)? {
        let wrong = |reason| Error::Format { what: format!("the tensor {tensor_name:?}"), reason };
        let (layer, name) = tensor_name.rsplit_once('/').ok_or_else(|| {
            wrong("expected a name LAYER/NAME, such as mixed4c/stripes".to_owned())
        })?;
        let id = info.layer_id(layer)?;
        let layer = info.at(id);
        if tensor.shape != [layer.channels] {
            let (found, expected) = (&tensor.shape, layer.channels);
            return Err(wrong(format!(
                "has shape {found:?}, expected [{expected}]: a value a channel"
            )));
        }
        let derived = direction((id, layer), name, tensor.values, sha256)?;
        directions.insert((layer.name.clone(), name.to_owned()), derived);
    }
    Ok(directions)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap as Metadata;

    use super::*;
    use crate::tap::Role;
    use crate::weights::{NamedTensor, NamedTensors, Precision, to_safetensors};

    fn written(name: &str, values: Vec<f32>) -> Result<Readouts> {
        let tensor = NamedTensor { shape: vec![values.len()], values };
        let tensors = NamedTensors::from([(name.to_owned(), tensor)]);
        let bytes = to_safetensors(&tensors, Precision::F32, &Metadata::new()).unwrap();
        read(&bytes, "0f", &crate::models::info("googlenet").unwrap())
    }

    #[test]
    fn a_direction_is_a_layer_with_one_channel_and_its_parents_places() {
        // By any name of its parent.
        for name in ["mixed4c/stripes", "inception_4c/output/stripes"] {
            let directions = written(name, vec![0.5; 512]).unwrap();
            let direction = &directions[&("mixed4c".to_owned(), "stripes".to_owned())];
            let info = crate::models::info("googlenet").unwrap();
            let parent = info.at(direction.parent);
            assert_eq!(direction.info.name, "mixed4c/{stripes}");
            assert_eq!((direction.info.channels, direction.info.role), (1, Role::Latents));
            assert_eq!(
                (parent.name.as_str(), parent.grid, parent.sees),
                ("mixed4c", direction.info.grid, direction.info.sees)
            );
            assert_eq!(direction.sha256, "0f");
        }
    }

    #[test]
    fn what_is_no_direction_is_named() {
        let mut broken = vec![0.5; 512];
        broken[7] = f32::NAN;
        for (name, values, said) in [
            ("stripes", vec![0.5; 512], "LAYER/NAME"),
            ("mixed4c/stripes", vec![0.5; 3], "has shape [3], expected [512]"),
            ("mixde4c/stripes", vec![0.5; 512], "nearest is \"mixed4c\""),
            (
                "mixed4c/stripes",
                broken,
                "direction mixed4c/{stripes}: the value at channel 7 is not finite",
            ),
        ] {
            let error = written(name, values).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
