//! A dream's state as bytes.

use std::collections::BTreeMap;

use crate::weights::{NamedTensor, NamedTensors, Precision, from_safetensors, to_safetensors};
use crate::{Error, Result};

/// Everything needed to go on exactly from a step: what the optimizer moves and remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Steps made.
    pub step: usize,
    /// Length of each axis of the three below.
    pub shape: [usize; 4],
    /// What the picture is painted from.
    pub parameters: Vec<f32>,
    /// Adam's mean of gradients.
    pub first_moment: Vec<f32>,
    /// Adam's mean of squared gradients.
    pub second_moment: Vec<f32>,
}

const PARAMETERS: &str = "parameters";
const FIRST_MOMENT: &str = "first_moment";
const SECOND_MOMENT: &str = "second_moment";
/// One value: exact up to 2^24 steps.
const STEP: &str = "step";

impl Snapshot {
    /// As a safetensors file in full precision.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let tensor =
            |values: &Vec<f32>| NamedTensor { shape: self.shape.into(), values: values.clone() };
        let step = NamedTensor { shape: vec![1], values: vec![self.step as f32] };
        let tensors = BTreeMap::from([
            (PARAMETERS.to_owned(), tensor(&self.parameters)),
            (FIRST_MOMENT.to_owned(), tensor(&self.first_moment)),
            (SECOND_MOMENT.to_owned(), tensor(&self.second_moment)),
            (STEP.to_owned(), step),
        ]);
        Ok(to_safetensors(&tensors, Precision::F32, &BTreeMap::new())?)
    }

    /// From what [`Snapshot::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let unfit = |reason: String| Error::Format { what: "snapshot".to_owned(), reason };
        let mut tensors: NamedTensors = from_safetensors(bytes)?.into_iter().collect();
        let mut take = |name: &str| {
            tensors.remove(name).ok_or_else(|| unfit(format!("there is no tensor {name:?}")))
        };
        let parameters = take(PARAMETERS)?;
        let (first, second, step) = (take(FIRST_MOMENT)?, take(SECOND_MOMENT)?, take(STEP)?);
        let [step] = step.values[..] else {
            return Err(unfit("the step is not one number".to_owned()));
        };
        let shape: [usize; 4] = parameters.shape[..]
            .try_into()
            .map_err(|_| unfit(format!("shape {:?}, expected four axes", parameters.shape)))?;
        if first.shape != shape || second.shape != shape {
            return Err(unfit("parameters and moments differ in shape".to_owned()));
        }
        Ok(Self {
            step: step as usize,
            shape,
            parameters: parameters.values,
            first_moment: first.values,
            second_moment: second.values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_round_trip() {
        let values = vec![1.5, -2.0, 1e-30, 7.0];
        let snapshot = Snapshot {
            step: 1234,
            shape: [1, 1, 2, 2],
            parameters: values.clone(),
            first_moment: values.clone(),
            second_moment: values,
        };
        assert_eq!(Snapshot::from_bytes(&snapshot.to_bytes().unwrap()).unwrap(), snapshot);
    }

    #[test]
    fn half_a_file_is_refused() {
        let snapshot = Snapshot {
            step: 1,
            shape: [1, 1, 1, 1],
            parameters: vec![0.0],
            first_moment: vec![0.0],
            second_moment: vec![0.0],
        };
        let bytes = snapshot.to_bytes().unwrap();
        assert!(Snapshot::from_bytes(&bytes[..bytes.len() / 2]).is_err());
    }
}
