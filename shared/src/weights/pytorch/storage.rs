//! Where tensors' values lie, and how they are taken from there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::weights::element::Element;

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

/// Finds the bytes of a storage.
type Find<'f, 'a> = Box<dyn FnMut(&str) -> Result<Cow<'a, [u8]>, String> + 'f>;

/// The storages of a file that tensors refer to.
pub struct Storages<'f, 'a> {
    find: Find<'f, 'a>,
    found: BTreeMap<String, Rc<Cow<'a, [u8]>>>,
}

impl<'f, 'a> Storages<'f, 'a> {
    /// Those that are found so; each is looked for once.
    pub fn new(find: impl FnMut(&str) -> Result<Cow<'a, [u8]>, String> + 'f) -> Self {
        Self { find: Box::new(find), found: BTreeMap::new() }
    }

    /// What reads a tensor's values, row by row. A storage that had to be unpacked is let go with
    /// the last of its tensors.
    pub fn reader(&mut self, view: View) -> Result<impl FnOnce() -> Vec<f32> + use<'a>, String> {
        let size = view.element.size();
        let bytes = self.bytes(&view.key)?;
        let wanted = view.span().and_then(|span| {
            let start = view.offset.checked_mul(size)?;
            let end = start.checked_add(span.checked_mul(size)?)?;
            (end <= bytes.len()).then_some(start..end)
        });
        let wanted = wanted.ok_or_else(|| {
            format!(
                "shape {:?} reaches beyond the {} values of its storage",
                view.shape,
                bytes.len() / size
            )
        })?;
        Ok(move || {
            if wanted.is_empty() {
                return Vec::new();
            }
            let values = view.element.decode(&bytes[wanted]);
            if view.is_contiguous() { values } else { view.gather(&values) }
        })
    }

    fn bytes(&mut self, key: &str) -> Result<Rc<Cow<'a, [u8]>>, String> {
        if let Some(bytes) = self.found.get(key) {
            return Ok(bytes.clone());
        }
        let bytes = Rc::new((self.find)(key)?);
        self.found.insert(key.to_owned(), bytes.clone());
        Ok(bytes)
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
        let mut storages = Storages::new(|key| match key {
            "0" => Ok(bytes[..].into()),
            _ => Err(format!("its storage {key} is missing")),
        });
        Ok(storages.reader(view.clone())?())
    }

    #[test]
    fn strides_and_offset_say_which_values_a_tensor_has() {
        assert_eq!(read(&view(0, &[2, 3], &[3, 1])).unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(read(&view(0, &[3, 2], &[1, 3])).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(&view(4, &[2], &[1])).unwrap(), [4.0, 5.0]);
        assert_eq!(read(&view(1, &[3], &[0])).unwrap(), [1.0, 1.0, 1.0]);
        assert_eq!(read(&view(5, &[], &[])).unwrap(), [5.0]);
        assert!(read(&view(6, &[0, 3], &[3, 1])).unwrap().is_empty());
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
