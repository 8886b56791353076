//! Tensors as they lie in a file: known by name and shape, read one at a time.

use std::collections::BTreeMap;
use std::collections::btree_map::IntoIter;
use std::fmt;

use super::tensor::{NamedTensor, NamedTensors};

/// The tensors of a file, checked and not yet read. Each is turned into numbers when it is taken,
/// so that of a large model no more is in memory than its file, what was made of it, and the one
/// tensor between them.
#[derive(Default)]
pub struct StoredTensors<'a>(BTreeMap<String, Stored<'a>>);

/// One of them.
struct Stored<'a> {
    shape: Vec<usize>,
    read: Box<dyn FnOnce() -> Vec<f32> + 'a>,
}

/// Why a tensor is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// No tensor is called so.
    #[error("{name} is missing, expected with shape {expected:?}")]
    Missing {
        /// The tensor.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// It has another shape.
    #[error("{name} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape it should have.
        expected: Vec<usize>,
    },
}

impl<'a> StoredTensors<'a> {
    /// Adds a tensor, whose values are as many as its shape says. False if there was one of this
    /// name, which is replaced.
    pub(super) fn insert(
        &mut self,
        name: String,
        shape: Vec<usize>,
        read: impl FnOnce() -> Vec<f32> + 'a,
    ) -> bool {
        self.0.insert(name, Stored { shape, read: Box::new(read) }).is_none()
    }

    /// The name and shape of each, in the order of their names.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.0.iter().map(|(name, stored)| (name.as_str(), &stored.shape[..]))
    }

    /// The shape of the tensor of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).map(|stored| &stored.shape[..])
    }

    /// The values of the tensor of this name, row by row. It is gone then, also if it has another
    /// shape.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, NotTaken> {
        let (name, expected) = (name.to_owned(), shape.to_vec());
        match self.0.remove(&name) {
            Some(Stored { shape, read }) if shape == expected => Ok(read()),
            Some(Stored { shape: found, .. }) => Err(NotTaken::Shape { name, found, expected }),
            None => Err(NotTaken::Missing { name, expected }),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets go of those whose names are not wanted.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_wanted(name));
    }

    /// Those of the second names, under the first.
    pub(crate) fn renamed(mut self, names: impl Iterator<Item = (String, String)>) -> Self {
        Self(names.filter_map(|(new, old)| Some((new, self.0.remove(&old)?))).collect())
    }
}

impl fmt::Debug for StoredTensors<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.shapes()).finish()
    }
}

impl From<NamedTensors> for StoredTensors<'_> {
    fn from(tensors: NamedTensors) -> Self {
        let stored = |(name, NamedTensor { shape, values })| {
            (name, Stored { shape, read: Box::new(move || values) })
        };
        Self(tensors.into_iter().map(stored).collect())
    }
}

impl<'a> IntoIterator for StoredTensors<'a> {
    type Item = (String, NamedTensor);
    type IntoIter = Reading<'a>;

    fn into_iter(self) -> Reading<'a> {
        Reading(self.0.into_iter())
    }
}

/// Reads the tensors of a file one after the other, in the order of their names.
pub struct Reading<'a>(IntoIter<String, Stored<'a>>);

impl Iterator for Reading<'_> {
    type Item = (String, NamedTensor);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, Stored { shape, read }) = self.0.next()?;
        Some((name, NamedTensor { shape, values: read() }))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_tensor_is_read_when_it_is_taken_and_gone_then() {
        let read = Cell::new(0);
        let mut tensors = StoredTensors::default();
        for name in ["a", "b"] {
            tensors.insert(name.to_owned(), vec![2], || {
                read.set(read.get() + 1);
                vec![1.0, 2.0]
            });
        }
        assert_eq!(tensors.shapes().collect::<Vec<_>>(), [("a", &[2][..]), ("b", &[2])]);
        assert_eq!(read.get(), 0);
        assert_eq!(tensors.take("a", &[2]).unwrap(), [1.0, 2.0]);
        assert_eq!((read.get(), tensors.len()), (1, 1));
        let missing = tensors.take("a", &[2]).unwrap_err().to_string();
        assert_eq!(missing, "a is missing, expected with shape [2]");
        let misshapen = tensors.take("b", &[1, 2]).unwrap_err().to_string();
        assert_eq!(misshapen, "b has shape [2], expected [1, 2]");
        assert!(tensors.is_empty() && read.get() == 1);
    }
}
