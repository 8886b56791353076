//! Named tensors in safetensors files.
//!
//! Source: <https://github.com/huggingface/safetensors>: eight bytes with the header's length, the
//! header in JSON, the tensors' values one after the other, everything little-endian.

use std::collections::BTreeMap;
use std::ops::Range;

use half::f16;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use super::element::Element;
use super::error::WeightsError;
use super::stored::StoredTensors;
use super::tensor::NamedTensors;

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

/// Finds every tensor of floating point numbers (64, 32, 16 bits, bfloat16), and those of eight
/// bits that come with a scale.
///
/// Integers of one axis or none are counters and states of training, no weights: left out.
pub fn from_safetensors(bytes: &[u8]) -> Result<StoredTensors<'_>, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| unreadable(error.to_string()))?;
    let mut found = BTreeMap::new();
    for (name, view) in file.iter() {
        let element = match view.dtype() {
            Dtype::F64 => Element::F64,
            Dtype::F32 => Element::F32,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::BF16,
            Dtype::I8 => Element::I8,
            other if is_whole(other) && view.shape().len() < 2 => continue,
            other => {
                return Err(unreadable(format!(
                    "{name} holds {other:?}; expected F32, F16, BF16, F64 or scaled I8"
                )));
            }
        };
        found.insert(name, Found { element, shape: view.shape().to_vec(), data: view.data() });
    }
    let is_scaled = |(name, found): (&&str, &Found<'_>)| {
        (found.element == Element::I8).then(|| (*name).to_owned())
    };
    let scaled: Vec<String> = found.iter().filter_map(is_scaled).collect();
    let mut tensors = StoredTensors::default();
    for name in scaled {
        let scale = found.remove(format!("{name}{SCALE}").as_str());
        let Some(whole) = found.remove(name.as_str()) else { continue };
        let scale = whole.scale(scale).map_err(|why| unreadable(format!("{name} {why}")))?;
        tensors.insert(name, whole.shape.clone(), move || whole.times(&scale.read()));
    }
    for (name, found) in found {
        tensors.insert(name.to_owned(), found.shape.clone(), move || found.read());
    }
    Ok(tensors)
}

/// A tensor as the header describes it.
struct Found<'a> {
    element: Element,
    shape: Vec<usize>,
    data: &'a [u8],
}

impl<'a> Found<'a> {
    fn read(&self) -> Vec<f32> {
        self.element.decode(self.data)
    }

    /// What was found as its scale, if it is one.
    fn scale(&self, found: Option<Found<'a>>) -> Result<Found<'a>, String> {
        let scale = found.filter(|scale| scale.element != Element::I8);
        let scale = scale.ok_or_else(|| format!("holds I8 and has no {SCALE} beside it"))?;
        let entries = self.entries();
        if scale.shape != [entries] {
            return Err(format!("needs a {SCALE} of shape [{entries}], found {:?}", scale.shape));
        }
        Ok(scale)
    }

    /// Each entry of the first axis multiplied by its scale.
    fn times(&self, scales: &[f32]) -> Vec<f32> {
        let mut values = self.read();
        let length = values.len().checked_div(self.entries()).unwrap_or_default().max(1);
        for (entry, scale) in values.chunks_mut(length).zip(scales) {
            entry.iter_mut().for_each(|value| *value *= scale);
        }
        values
    }

    fn entries(&self) -> usize {
        self.shape.first().copied().unwrap_or_default()
    }
}

fn is_whole(kind: Dtype) -> bool {
    use Dtype::{BOOL, I16, I32, I64, U8, U16, U32, U64};
    matches!(kind, BOOL | U8 | I16 | U16 | I32 | U32 | I64 | U64)
}

fn unreadable(reason: String) -> WeightsError {
    WeightsError::Unreadable { format: "safetensors", reason }
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
    let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone()));
    let mut writer = SafetensorsWriter::new(shapes.collect(), precision, metadata);
    for (name, tensor) in tensors {
        writer.put(name, &tensor.values);
    }
    writer.finish()
}

/// A safetensors file that knows what comes, so that its tensors can come one at a time and in any
/// order.
pub struct SafetensorsWriter {
    precision: Precision,
    bytes: Vec<u8>,
    /// Where the values of those lie that have not come.
    rooms: BTreeMap<String, Room>,
    problem: Option<WeightsError>,
}

/// Where a tensor's values go.
struct Room {
    /// One for each entry of the first axis, if the values are in eight bits.
    scales: Option<Range<usize>>,
    values: Range<usize>,
}

impl SafetensorsWriter {
    /// Room for tensors of these names and shapes.
    pub fn new(
        shapes: BTreeMap<String, Vec<usize>>,
        precision: Precision,
        metadata: &BTreeMap<String, String>,
    ) -> Self {
        let mut header = Map::new();
        if !metadata.is_empty() {
            header.insert("__metadata__".to_owned(), json!(metadata));
        }
        let mut end = 0;
        let mut room = |name: String, dtype: &str, shape: &[usize], size: usize| {
            let start = end;
            end += size * shape.iter().product::<usize>();
            let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] });
            header.insert(name, entry);
            start..end
        };
        let mut rooms = BTreeMap::new();
        for (name, shape) in shapes {
            let is_empty = shape.contains(&0);
            let (scales, dtype, size) = match precision {
                Precision::Q8 if 1 < shape.len() && !is_empty => {
                    let scales = room(format!("{name}{SCALE}"), "F32", &shape[..1], 4);
                    (Some(scales), "I8", 1)
                }
                Precision::F32 | Precision::Q8 => (None, "F32", 4),
                Precision::F16 => (None, "F16", 2),
            };
            let values = room(name.clone(), dtype, &shape, size);
            rooms.insert(name, Room { scales, values });
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        // The values start at a multiple of eight bytes; the format allows spaces after the header.
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut bytes = Vec::with_capacity(8 + header.len() + end);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.append(&mut header);
        let start = bytes.len();
        bytes.resize(start + end, 0);
        let moved = |range: Range<usize>| start + range.start..start + range.end;
        for room in rooms.values_mut() {
            room.values = moved(room.values.clone());
            room.scales = room.scales.take().map(moved);
        }
        Self { precision, bytes, rooms, problem: None }
    }

    /// A tensor's values, as many as its shape says.
    pub fn put(&mut self, name: &str, values: &[f32]) {
        let Some(Room { scales, values: room }) = self.rooms.remove(name) else { return };
        if let Some(scales_room) = scales {
            let length = values.len() / (scales_room.len() / 4);
            let scales: Vec<f32> = values.chunks(length).map(scale_of).collect();
            let whole = |value: &f32, scale: f32| (value / scale).round() as i8;
            let entries = values.chunks(length).zip(&scales);
            let entries = entries.flat_map(|(entry, scale)| {
                entry.iter().map(move |value| whole(value, *scale).to_le_bytes())
            });
            fill(&mut self.bytes[room], entries);
            fill(&mut self.bytes[scales_room], scales.iter().map(|scale| scale.to_le_bytes()));
        } else if self.precision == Precision::F16 {
            let too_large = |value: &&f32| value.is_finite() && !f16::from_f32(**value).is_finite();
            if let Some(&value) = values.iter().find(too_large) {
                let name = name.to_owned();
                self.problem.get_or_insert(WeightsError::TooLargeForHalf { name, value });
            }
            let halves = values.iter().map(|value| f16::from_f32(*value).to_le_bytes());
            fill(&mut self.bytes[room], halves);
        } else {
            fill(&mut self.bytes[room], values.iter().map(|value| value.to_le_bytes()));
        }
    }

    /// The file.
    ///
    /// # Errors
    /// A finite value that half precision would turn into infinity.
    pub fn finish(self) -> Result<Vec<u8>, WeightsError> {
        self.problem.map_or(Ok(self.bytes), Err)
    }
}

fn fill<const SIZE: usize>(room: &mut [u8], values: impl Iterator<Item = [u8; SIZE]>) {
    room.as_chunks_mut::<SIZE>().0.iter_mut().zip(values).for_each(|(place, value)| *place = value);
}

/// What the whole numbers of an entry are multiplied by. An entry of zeros has any.
fn scale_of(entry: &[f32]) -> f32 {
    let largest = entry.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest == 0.0 { 1.0 } else { largest / LARGEST_WHOLE }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;
    use crate::weights::NamedTensor;

    fn read(bytes: &[u8]) -> NamedTensors {
        from_safetensors(bytes).unwrap().into_iter().collect()
    }

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
        assert_eq!(read(&bytes), sample());
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
        let read = read(&bytes);
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
        assert_eq!(read(&file("BF16", "[1]", &half))["x"].values, [-1.5]);
        let double = 0.25_f64.to_le_bytes();
        assert_eq!(read(&file("F64", "[1]", &double))["x"].values, [0.25]);
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
