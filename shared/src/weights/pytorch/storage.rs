//! Where tensors' values lie, and how they are taken from there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use half::{bf16, f16};

use crate::format::zip::{Packed, Zip};

/// The kinds of floating point numbers that weights are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F64,
    F32,
    F16,
    BF16,
}

impl Element {
    /// Bytes of each.
    pub fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F64 => decode(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::F32 => decode(bytes, f32::from_le_bytes),
            Self::F16 => decode(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::BF16 => decode(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        }
    }
}

fn decode<const SIZE: usize>(bytes: &[u8], read: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<SIZE>().0.iter().map(|bytes| read(*bytes)).collect()
}

/// A tensor before its values are read: which of a storage's it has, and in which order.
#[derive(Clone, Debug)]
pub struct View {
    /// The storage.
    pub key: String,
    /// What is in it.
    pub element: Element,
    /// The first value's place in the storage.
    pub offset: usize,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// How far apart neighbours along each axis lie.
    pub strides: Vec<usize>,
}

impl View {
    /// Bytes of its values, however often each is stored.
    pub fn byte_len(&self) -> u64 {
        let axes = self.shape.iter().map(|length| *length as u64);
        axes.fold(self.element.size() as u64, u64::saturating_mul)
    }

    /// Values from the first to the last, in storage; nothing where that is beyond all numbers.
    fn span(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let axes = self.shape.iter().zip(&self.strides);
        let last = axes.map(|(length, stride)| (length - 1).checked_mul(*stride));
        last.sum::<Option<usize>>()?.checked_add(1)
    }

    fn is_contiguous(&self) -> bool {
        let mut wanted = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(length, stride)| {
            let fits = *length == 1 || *stride == wanted;
            wanted = length.saturating_mul(wanted);
            fits
        })
    }

    /// The values row by row, from those between the first and the last.
    fn gather(&self, values: &[f32]) -> Vec<f32> {
        let count = self.shape.iter().product();
        let mut gathered = Vec::with_capacity(count);
        let mut place = vec![0; self.shape.len()];
        for _ in 0..count {
            let at: usize =
                place.iter().zip(&self.strides).map(|(place, stride)| place * stride).sum();
            gathered.push(values[at]);
            for (place, length) in place.iter_mut().zip(&self.shape).rev() {
                *place += 1;
                if *place < *length {
                    break;
                }
                *place = 0;
            }
        }
        gathered
    }
}

/// The storages of a file.
pub enum Storages<'a> {
    /// One after the other.
    Legacy(BTreeMap<String, &'a [u8]>),
    /// Each in an entry of the archive.
    Zip {
        zip: &'a Zip<&'a [u8]>,
        entries: &'a BTreeMap<String, Packed>,
        root: &'a str,
        /// Those that a tensor was read from.
        unpacked: BTreeMap<String, Cow<'a, [u8]>>,
        /// Bytes that may still be unpacked.
        left: u64,
    },
}

impl<'a> Storages<'a> {
    /// Of the archive whose pickle is in the folder `root`; at most `limit` bytes are unpacked.
    pub fn in_zip(
        zip: &'a Zip<&'a [u8]>,
        entries: &'a BTreeMap<String, Packed>,
        root: &'a str,
        limit: u64,
    ) -> Self {
        Self::Zip { zip, entries, root, unpacked: BTreeMap::new(), left: limit }
    }

    /// A tensor's values, row by row.
    pub fn read(&mut self, view: &View) -> Result<Vec<f32>, String> {
        let size = view.element.size();
        let bytes = self.bytes(&view.key)?;
        let wanted = view.span().and_then(|span| {
            let start = view.offset.checked_mul(size)?;
            bytes.get(start..start.checked_add(span.checked_mul(size)?)?)
        });
        let wanted = wanted.ok_or_else(|| {
            format!(
                "shape {:?} reaches beyond the {} values of its storage",
                view.shape,
                bytes.len() / size
            )
        })?;
        if view.shape.contains(&0) {
            return Ok(Vec::new());
        }
        let values = view.element.decode(wanted);
        Ok(if view.is_contiguous() { values } else { view.gather(&values) })
    }

    fn bytes(&mut self, key: &str) -> Result<&[u8], String> {
        match self {
            Self::Legacy(storages) => {
                storages.get(key).copied().ok_or_else(|| format!("its storage {key} is missing"))
            }
            Self::Zip { zip, entries, root, unpacked, left } => {
                if !unpacked.contains_key(key) {
                    let name = format!("{root}data/{key}");
                    let entry = entries.get(&name);
                    let entry = entry.ok_or_else(|| format!("its storage {name} is missing"))?;
                    *left =
                        left.checked_sub(entry.size()).ok_or("its storages unpack to too much")?;
                    let bytes = zip.unpack(&name, *entry).map_err(|error| error.to_string())?;
                    unpacked.insert(key.to_owned(), bytes);
                }
                Ok(&unpacked[key])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, shape: &[usize], strides: &[usize]) -> View {
        View {
            key: "0".to_owned(),
            element: Element::F32,
            offset,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    fn read(view: &View) -> Result<Vec<f32>, String> {
        let bytes: Vec<u8> = (0..6).flat_map(|value| (value as f32).to_le_bytes()).collect();
        Storages::Legacy([("0".to_owned(), &bytes[..])].into()).read(view)
    }

    #[test]
    fn strides_and_offset_say_which_values_a_tensor_has() {
        assert_eq!(read(&view(0, &[2, 3], &[3, 1])).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(read(&view(0, &[3, 2], &[1, 3])).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(&view(4, &[2], &[1])).unwrap(), [4.0, 5.0]);
        assert_eq!(read(&view(1, &[3], &[0])).unwrap(), [1.0, 1.0, 1.0]);
        assert_eq!(read(&view(5, &[], &[])).unwrap(), [5.0]);
        assert_eq!(read(&view(6, &[0, 3], &[3, 1])).unwrap(), []);
    }

    #[test]
    fn a_tensor_beyond_its_storage_is_refused() {
        let huge = usize::MAX;
        for view in [
            view(1, &[2, 3], &[3, 1]),
            view(7, &[0], &[1]),
            view(huge, &[1], &[1]),
            view(0, &[huge, 2], &[huge, huge]),
        ] {
            assert!(read(&view).unwrap_err().contains("beyond the 6 values"), "{view:?}");
        }
        let elsewhere = View { key: "1".to_owned(), ..view(0, &[1], &[1]) };
        assert!(read(&elsewhere).unwrap_err().contains("storage 1 is missing"));
    }
}
