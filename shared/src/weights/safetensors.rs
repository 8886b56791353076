//! Named tensors in safetensors files.
//!
//! Source: <https://github.com/huggingface/safetensors>: eight bytes with the header's length, the
//! header in JSON, the tensors' values one after the other, everything little-endian.

use std::collections::BTreeMap;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use super::error::WeightsError;
use super::tensor::{NamedTensor, NamedTensors};

/// How many bits a written value takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Half: 16 bits, 11 of them significant.
    F16,
    /// Single: 32 bits.
    F32,
    /// Eight bits for tensors of two and more axes, with a scale for each entry of the first axis
    /// (symmetric: the largest of the entry becomes 127); single precision for the others.
    Q8,
}

/// The largest whole number that eight bits are used for.
const LARGEST_WHOLE: f32 = 127.0;

/// What the scales of a tensor in eight bits are called, after its own name.
const SCALE: &str = ".scale";

/// The longest header that the format allows, in bytes.
const HEADER_LIMIT: u64 = 100_000_000;

/// Whether a file begins like one: a length, then JSON.
pub(super) fn begins(head: &[u8]) -> bool {
    let length = head.split_first_chunk::<8>();
    length.is_some_and(|(length, rest)| {
        rest.first() == Some(&b'{') && u64::from_le_bytes(*length) <= HEADER_LIMIT
    })
}

/// Reads every tensor of floating point numbers (64, 32, 16 bits, bfloat16), and those of eight
/// bits that come with a scale.
///
/// Integers of one axis or none are counters and states of training, no weights: left out.
pub fn from_safetensors(bytes: &[u8]) -> Result<NamedTensors, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(error.to_string()))?;
    let mut tensors = NamedTensors::new();
    let mut scaled = Vec::new();
    for (name, view) in file.iter() {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F64 => decode(data, |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F32 => decode(data, f32::from_le_bytes),
            Dtype::F16 => decode(data, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => decode(data, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Dtype::I8 => {
                scaled.push(name.to_owned());
                decode(data, |bytes| f32::from(i8::from_le_bytes(bytes)))
            }
            other if is_whole(other) && view.shape().len() < 2 => continue,
            other => {
                return Err(unreadable(format!(
                    "{name} holds {other:?}; expected F32, F16, BF16, F64 or scaled I8"
                )));
            }
        };
        tensors.insert(name.to_owned(), NamedTensor { shape: view.shape().to_vec(), values });
    }
    for name in scaled {
        let scale = tensors.remove(&format!("{name}{SCALE}"));
        let tensor = tensors.get_mut(&name);
        if let Some(tensor) = tensor {
            apply_scale(tensor, scale.as_ref())
                .map_err(|why| unreadable(format!("{name} {why}")))?;
        }
    }
    Ok(tensors)
}

fn is_whole(kind: Dtype) -> bool {
    use Dtype::{BOOL, I16, I32, I64, U8, U16, U32, U64};
    matches!(kind, BOOL | U8 | I16 | U16 | I32 | U32 | I64 | U64)
}

/// Multiplies each entry of the first axis by its scale.
fn apply_scale(tensor: &mut NamedTensor, scale: Option<&NamedTensor>) -> Result<(), String> {
    let scale = scale.ok_or_else(|| format!("holds I8 and has no {SCALE} beside it"))?;
    let entries = tensor.shape.first().copied().unwrap_or_default();
    if scale.shape != [entries] {
        return Err(format!("needs a {SCALE} of shape [{entries}], found {:?}", scale.shape));
    }
    let length = tensor.values.len().checked_div(entries).unwrap_or_default().max(1);
    for (entry, scale) in tensor.values.chunks_mut(length).zip(&scale.values) {
        entry.iter_mut().for_each(|value| *value *= scale);
    }
    Ok(())
}

fn unreadable(reason: String) -> WeightsError {
    WeightsError::Unreadable { format: "safetensors", reason }
}

fn decode<const SIZE: usize>(data: &[u8], read: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    data.as_chunks::<SIZE>().0.iter().map(|bytes| read(*bytes)).collect()
}

/// Writes tensors, in the order of their names: the same tensors give the same bytes.
///
/// `metadata` is free text for people: source, licence.
///
/// # Errors
/// A finite value that half precision would turn into infinity.
pub fn to_safetensors(
    tensors: &NamedTensors,
    precision: Precision,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut data = Vec::new();
    let mut describe = |name: String, dtype: &str, shape: &[usize], offsets: [usize; 2]| {
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
        header.insert(name, entry);
    };
    for (name, tensor) in tensors {
        let start = data.len();
        let dtype = match precision {
            Precision::Q8 if 1 < tensor.shape.len() && !tensor.values.is_empty() => {
                let length = tensor.values.len() / tensor.shape[0];
                let scales: Vec<f32> = tensor.values.chunks(length).map(scale_of).collect();
                data.extend(scales.iter().flat_map(|scale| scale.to_le_bytes()));
                let scales_shape = [tensor.shape[0]];
                describe(format!("{name}{SCALE}"), "F32", &scales_shape, [start, data.len()]);
                let start = data.len();
                for (entry, scale) in tensor.values.chunks(length).zip(scales) {
                    let whole = |value: &f32| (value / scale).round() as i8 as u8;
                    data.extend(entry.iter().map(whole));
                }
                describe(name.clone(), "I8", &tensor.shape, [start, data.len()]);
                continue;
            }
            Precision::F32 | Precision::Q8 => {
                data.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
                "F32"
            }
            Precision::F16 => {
                for &value in &tensor.values {
                    let half = f16::from_f32(value);
                    if value.is_finite() && !half.is_finite() {
                        return Err(WeightsError::TooLargeForHalf { name: name.clone(), value });
                    }
                    data.extend(half.to_le_bytes());
                }
                "F16"
            }
        };
        describe(name.clone(), dtype, &tensor.shape, [start, data.len()]);
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // The values start at a multiple of eight bytes; the format allows spaces after the header.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut header);
    bytes.append(&mut data);
    Ok(bytes)
}

/// What the whole numbers of an entry are multiplied by. An entry of zeros has any.
fn scale_of(entry: &[f32]) -> f32 {
    let largest = entry.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest == 0.0 { 1.0 } else { largest / LARGEST_WHOLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> NamedTensors {
        let tensor = |shape: &[usize], values: &[f32]| NamedTensor {
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        NamedTensors::from([
            ("conv1/7x7_s2.weight".to_owned(), tensor(&[2, 1, 1, 2], &[0.5, -1.25, 3.0, 1e-3])),
            ("scalar".to_owned(), tensor(&[], &[7.0])),
            ("none".to_owned(), tensor(&[0, 3], &[])),
        ])
    }

    /// A file of one tensor with this type, shape and content.
    fn file(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!(
            r#"{{"x":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{}]}}}}"#,
            data.len()
        );
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn single_precision_survives_the_round_trip_exactly() {
        let bytes = to_safetensors(&sample(), Precision::F32, &BTreeMap::new()).unwrap();
        assert_eq!(from_safetensors(&bytes).unwrap(), sample());
    }

    #[test]
    fn half_precision_keeps_eleven_bits() {
        let bytes = to_safetensors(&sample(), Precision::F16, &BTreeMap::new()).unwrap();
        for (name, tensor) in from_safetensors(&bytes).unwrap() {
            assert_eq!(tensor.shape, sample()[&name].shape);
            for (found, expected) in tensor.values.iter().zip(&sample()[&name].values) {
                assert!((found - expected).abs() <= expected.abs() / 2048.0, "{found} {expected}");
            }
        }
    }

    #[test]
    fn eight_bits_keep_a_hundredth_of_the_largest_of_each_output() {
        let tensors = NamedTensors::from([(
            "kernels".to_owned(),
            NamedTensor { shape: vec![3, 2], values: vec![0.5, -1.25, 100.0, 0.25, 0.0, 0.0] },
        )]);
        let bytes = to_safetensors(&tensors, Precision::Q8, &BTreeMap::new()).unwrap();
        let read = from_safetensors(&bytes).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["kernels"]);
        let pairs = read["kernels"].values.chunks(2).zip(tensors["kernels"].values.chunks(2));
        for (found, expected) in pairs {
            let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= largest / 253.0, "{found} {expected}");
            }
        }
    }

    #[test]
    fn eight_bits_without_a_fitting_scale_are_refused() {
        let error = from_safetensors(&file("I8", "[2,1]", &[1, 2])).unwrap_err().to_string();
        assert!(error.contains("x holds I8") && error.contains(".scale"), "{error}");
    }

    #[test]
    fn metadata_is_kept_and_the_bytes_depend_on_nothing_else() {
        let metadata: BTreeMap<_, _> =
            ["source", "licence", "model", "origin"].map(|key| (key.into(), "x".into())).into();
        let write = || to_safetensors(&sample(), Precision::F16, &metadata).unwrap();
        assert_eq!(write(), write());
        let (_, read) = SafeTensors::read_metadata(&write()).unwrap();
        assert_eq!(
            read.metadata().clone().unwrap().into_iter().collect::<BTreeMap<_, _>>(),
            metadata
        );
    }

    #[test]
    fn bfloat16_and_double_precision_are_read() {
        let half = bf16::from_f32(-1.5).to_le_bytes();
        assert_eq!(from_safetensors(&file("BF16", "[1]", &half)).unwrap()["x"].values, [-1.5]);
        let double = 0.25_f64.to_le_bytes();
        assert_eq!(from_safetensors(&file("F64", "[1]", &double)).unwrap()["x"].values, [0.25]);
    }

    #[test]
    fn counters_are_left_out_but_other_integers_are_refused() {
        for (kind, shape, data) in [("I64", "[]", &[7; 8][..]), ("U8", "[3]", &[1; 3])] {
            assert!(from_safetensors(&file(kind, shape, data)).unwrap().is_empty());
        }
        let error = from_safetensors(&file("I16", "[1,1]", &[1, 2])).unwrap_err().to_string();
        assert!(error.contains("x holds I16") && error.contains("F16"), "{error}");
    }

    #[test]
    fn a_value_too_large_for_half_precision_is_named() {
        let tensor = NamedTensor { shape: vec![2], values: vec![1.0, 70_000.0] };
        let tensors = NamedTensors::from([("fc.bias".to_owned(), tensor)]);
        let error = to_safetensors(&tensors, Precision::F16, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("fc.bias holds 70000"), "{error}");
        assert!(to_safetensors(&tensors, Precision::F32, &BTreeMap::new()).is_ok());
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let whole = to_safetensors(&sample(), Precision::F32, &BTreeMap::new()).unwrap();
        for length in 0..whole.len() {
            assert!(from_safetensors(&whole[..length]).is_err(), "{length} of {}", whole.len());
        }
    }

    #[test]
    fn hostile_headers_are_refused() {
        let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        let overflowing = file("F32", "[4294967296,4294967296,4294967296]", &[0; 4]);
        let short = file("F32", "[2]", &[0; 4]);
        for bytes in [&b""[..], b"<!DOCTYPE html>", &huge, &overflowing, &short] {
            assert!(from_safetensors(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
