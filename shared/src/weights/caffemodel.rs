//! Named tensors in Caffe's `.caffemodel` files.
//!
//! Source: `caffe.proto` in <https://github.com/BVLC/caffe>. The file is one `NetParameter` in
//! protobuf's wire format; of all its fields only the layers' names and blobs matter here:
//!
//! | message | field | number |
//! |---|---|---|
//! | `NetParameter` | `layers` (`V1LayerParameter`) | 2 |
//! | | `layer` (`LayerParameter`) | 100 |
//! | `LayerParameter` | `name`, `blobs` | 1, 7 |
//! | `V1LayerParameter` | `name`, `blobs` | 4, 6 |
//! | `BlobProto` | `num`, `channels`, `height`, `width` (before `shape` existed) | 1 to 4 |
//! | | `data` (f32), `shape`, `double_data` (f64) | 5, 7, 8 |
//! | `BlobShape` | `dim` | 1 |
//!
//! Messages lie at most four deep, and each is a part of the bytes of the one around it, so neither
//! depth nor memory can exceed what the file itself holds.

use super::element::Element;
use super::error::WeightsError;
use super::stored::StoredTensors;

/// A convolution's kernel has four axes; nothing published has more than five.
const MAX_AXES: usize = 8;

/// Whether a file begins like one: a `NetParameter` starts with its name (field 1), or a layer
/// (fields 2 and 100).
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [0x0a | 0x12, ..] | [0xa2, 0x06, ..])
}

/// Finds the blobs of every layer: the first as `<layer>.weight`, the second as `<layer>.bias`,
/// any further as `<layer>.2` and so on.
pub fn from_caffemodel(bytes: &[u8]) -> Result<StoredTensors<'_>, WeightsError> {
    read_net(bytes).map_err(|reason| WeightsError::Unreadable { format: "caffemodel", reason })
}

type Parsed<T> = Result<T, String>;

fn read_net(bytes: &[u8]) -> Parsed<StoredTensors<'_>> {
    let mut tensors = StoredTensors::default();
    for field in Fields(bytes) {
        match field? {
            (2, Value::Bytes(layer)) => read_layer(layer, 4, 6, &mut tensors)?,
            (100, Value::Bytes(layer)) => read_layer(layer, 1, 7, &mut tensors)?,
            _ => {}
        }
    }
    if tensors.is_empty() {
        return Err("no layer in it holds any weights".to_owned());
    }
    Ok(tensors)
}

fn read_layer<'a>(
    bytes: &'a [u8],
    name_field: u64,
    blobs_field: u64,
    tensors: &mut StoredTensors<'a>,
) -> Parsed<()> {
    let mut name = String::new();
    let mut blobs = Vec::new();
    for field in Fields(bytes) {
        match field? {
            (number, Value::Bytes(text)) if number == name_field => {
                name = String::from_utf8(text.to_vec())
                    .map_err(|_| "a layer's name is not UTF-8".to_owned())?;
            }
            (number, Value::Bytes(blob)) if number == blobs_field => blobs.push(blob),
            _ => {}
        }
    }
    for (place, blob) in blobs.into_iter().enumerate() {
        let tensor = match place {
            0 => format!("{name}.weight"),
            1 => format!("{name}.bias"),
            _ => format!("{name}.{place}"),
        };
        let shape = blob_shape(blob).map_err(|reason| format!("{tensor}: {reason}"))?;
        if !tensors.insert(tensor, shape, move || blob_values(blob)) {
            return Err(format!("two layers are called {name:?}, both with weights"));
        }
    }
    Ok(())
}

/// The shape of a blob that has as many values as that says.
fn blob_shape(bytes: &[u8]) -> Parsed<Vec<usize>> {
    let mut count = 0;
    let mut shape = None;
    let mut legacy_shape = [None; 4];
    for field in Fields(bytes) {
        let field = field?;
        count += match values_in(field) {
            Some((element, values)) if values.len() % element.size() == 0 => {
                values.len() / element.size()
            }
            Some((element, values)) => {
                let (length, size) = (values.len(), element.size());
                return Err(format!("{length} bytes are no whole number of {size}-byte values"));
            }
            None => 0,
        };
        match field {
            (number @ 1..=4, Value::Integer(length)) => {
                legacy_shape[number as usize - 1] = Some(axis(length)?);
            }
            (7, Value::Bytes(message)) => shape = Some(read_shape(message)?),
            _ => {}
        }
    }
    let shape = shape.unwrap_or_else(|| without_leading_ones(legacy_shape));
    let expected = shape.iter().try_fold(1_usize, |product, axis| product.checked_mul(*axis));
    if expected != Some(count) {
        return Err(format!("shape {shape:?} does not hold {count} values"));
    }
    Ok(shape)
}

/// The values of a blob whose shape has been found.
fn blob_values(bytes: &[u8]) -> Vec<f32> {
    let mut parts = Fields(bytes).filter_map(|field| values_in(field.ok()?));
    // Nearly always there is one, and then it is not copied together.
    let (element, first) = parts.next().unwrap_or((Element::F32, &[]));
    let mut values = element.decode(first);
    parts.for_each(|(element, part)| values.extend(element.decode(part)));
    values
}

/// The values in a field of a blob: packed, as protobuf writes them, or one field a value, which it
/// reads as well.
fn values_in<'a>(field: (u64, Value<'a>)) -> Option<(Element, &'a [u8])> {
    match field {
        (5, Value::Bytes(packed)) => Some((Element::F32, packed)),
        (5, Value::Fixed32(value)) => Some((Element::F32, value)),
        (8, Value::Bytes(packed)) => Some((Element::F64, packed)),
        (8, Value::Fixed64(value)) => Some((Element::F64, value)),
        _ => None,
    }
}

fn read_shape(bytes: &[u8]) -> Parsed<Vec<usize>> {
    let mut shape = Vec::new();
    for field in Fields(bytes) {
        match field? {
            (1, Value::Integer(length)) => shape.push(axis(length)?),
            (1, Value::Bytes(mut packed)) => {
                while !packed.is_empty() && shape.len() <= MAX_AXES {
                    shape.push(axis(take_varint(&mut packed)?)?);
                }
            }
            _ => {}
        }
        if MAX_AXES < shape.len() {
            return Err(format!("more than {MAX_AXES} axes"));
        }
    }
    Ok(shape)
}

/// Old files give every blob four axes: a bias of 64 is `[1, 1, 1, 64]`.
fn without_leading_ones(shape: [Option<usize>; 4]) -> Vec<usize> {
    shape.into_iter().flatten().skip_while(|length| *length == 1).collect()
}

fn axis(length: u64) -> Parsed<usize> {
    usize::try_from(length).map_err(|_| format!("an axis of length {length}"))
}

/// One field's value, by protobuf's wire types.
#[derive(Clone, Copy)]
enum Value<'a> {
    Integer(u64),
    Fixed64(&'a [u8; 8]),
    Bytes(&'a [u8]),
    Fixed32(&'a [u8; 4]),
}

/// The fields of a message with their numbers, up to the first that cannot be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Parsed<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read_field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn read_field(&mut self) -> Parsed<(u64, Value<'a>)> {
        let key = take_varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Value::Integer(take_varint(&mut self.0)?),
            1 => Value::Fixed64(self.take_array()?),
            2 => {
                let length = take_varint(&mut self.0)?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(self.take_array()?),
            other => return Err(format!("wire type {other}, which Caffe never writes")),
        };
        Ok((key >> 3, value))
    }

    fn take(&mut self, length: u64) -> Parsed<&'a [u8]> {
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) = split.ok_or_else(|| {
            format!("a field of {length} bytes where {} are left: cut short?", self.0.len())
        })?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_array<const SIZE: usize>(&mut self) -> Parsed<&'a [u8; SIZE]> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| format!("{SIZE} bytes wanted, {} are left", self.0.len()))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Seven bits a byte, least significant first; the high bit says that more follow.
fn take_varint(bytes: &mut &[u8]) -> Parsed<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or("it ends inside a number: cut short?")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number of more than 64 bits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::NamedTensors;

    fn read(bytes: &[u8]) -> NamedTensors {
        from_caffemodel(bytes).unwrap().into_iter().collect()
    }

    /// A field that holds bytes: a string, a message, packed values.
    fn field(number: u64, content: &[u8]) -> Vec<u8> {
        [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
    }

    fn integer(number: u64, value: u64) -> Vec<u8> {
        [varint(number << 3), varint(value)].concat()
    }

    fn varint(mut number: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while 0x80 <= number {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        bytes
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn shape(lengths: &[u64]) -> Vec<u8> {
        field(7, &field(1, &lengths.iter().flat_map(|length| varint(*length)).collect::<Vec<_>>()))
    }

    /// A present-day file: `layer`, with `shape`.
    fn modern() -> Vec<u8> {
        let weight = [shape(&[2, 3]), field(5, &floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))].concat();
        let bias = [shape(&[2]), field(5, &floats(&[7.0, 8.0]))].concat();
        let layer = [
            field(1, b"fc"),
            field(2, b"InnerProduct"),
            integer(10, 1),
            field(7, &weight),
            field(7, &bias),
        ];
        let data = field(100, &[field(1, b"data"), field(2, b"Input")].concat());
        [field(1, b"TinyNet"), data, field(100, &layer.concat())].concat()
    }

    #[test]
    fn a_layers_blobs_become_its_weight_and_bias() {
        let tensors = read(&modern());
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["fc.bias", "fc.weight"]);
        assert_eq!(tensors["fc.weight"].shape, [2, 3]);
        assert_eq!(tensors["fc.weight"].values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(tensors["fc.bias"].values, [7.0, 8.0]);
    }

    #[test]
    fn the_old_layout_with_four_axes_gives_the_same() {
        let legacy = |axes: [u64; 4]| -> Vec<u8> {
            axes.into_iter().zip(1..).flat_map(|(length, number)| integer(number, length)).collect()
        };
        let doubles: Vec<u8> =
            [7.0_f64, 8.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let unpacked: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]
            .iter()
            .flat_map(|value| [varint(5 << 3 | 5), value.to_le_bytes().to_vec()].concat())
            .collect();
        let weight = [legacy([1, 1, 2, 3]), unpacked].concat();
        let bias = [legacy([1, 1, 1, 2]), field(8, &doubles)].concat();
        let layer = [field(4, b"fc"), integer(5, 14), field(6, &weight), field(6, &bias)].concat();
        assert_eq!(read(&field(2, &layer)), read(&modern()));
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let whole = modern();
        for length in 0..whole.len() {
            let result = from_caffemodel(&whole[..length]);
            assert!(result.is_err(), "{length} of {} bytes gave {result:?}", whole.len());
        }
    }

    #[test]
    fn any_single_damaged_byte_is_survived() {
        let whole = modern();
        for place in 0..whole.len() {
            for damage in [0x00, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = damage;
                if let Ok(tensors) = from_caffemodel(&bytes) {
                    for (_, tensor) in tensors {
                        let product: usize = tensor.shape.iter().product();
                        assert_eq!(tensor.values.len(), product);
                    }
                }
            }
        }
    }

    #[track_caller]
    fn assert_refused(bytes: &[u8], because: &str) {
        let error = from_caffemodel(bytes).unwrap_err().to_string();
        assert!(error.contains(because), "{error:?} does not say {because:?}");
    }

    fn layer_with_blob(blob: &[u8]) -> Vec<u8> {
        field(100, &[field(1, b"conv"), field(7, blob)].concat())
    }

    #[test]
    fn hostile_files_are_refused_with_the_reason() {
        assert_refused(b"", "no layer");
        assert_refused(b"<!DOCTYPE html><html></html>", "wire type");
        assert_refused(&[0xff; 32], "64 bits");
        // A length near 2^64 for a file of a few bytes.
        let length = [varint(100 << 3 | 2), varint(u64::MAX)].concat();
        assert_refused(&length, "are left");
        // Four axes whose product overflows.
        let huge = [shape(&[1 << 40, 1 << 40, 1 << 40, 4]), field(5, &floats(&[1.0]))].concat();
        assert_refused(&layer_with_blob(&huge), "conv.weight: shape");
        let many = shape(&[1; 100]);
        assert_refused(&layer_with_blob(&many), "axes");
        let uneven = [shape(&[1]), field(5, &[1, 2, 3])].concat();
        assert_refused(&layer_with_blob(&uneven), "4-byte values");
        let twice = [modern(), modern()].concat();
        assert_refused(&twice, "two layers are called \"fc\"");
    }

    #[test]
    fn messages_nested_ten_thousand_deep_cost_no_stack() {
        let mut bytes = floats(&[1.0]);
        for _ in 0..10_000 {
            bytes = field(100, &bytes);
        }
        assert_refused(&bytes, "");
    }
}
