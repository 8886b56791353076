//! The tensors in an object, under the names that lead to them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::pickle::{Id, Node, Pickle};
use super::storage::View;
use crate::weights::element::Element;

/// How many names may lead to a tensor.
const MAX_DEPTH: usize = 32;

/// Bytes of the longest name. Every tensor has its own, so a long one must not be had for free.
const MAX_NAME: usize = 256;

/// A convolution's kernel has four axes; nothing published has more than five.
const MAX_AXES: usize = 8;

/// Where a module keeps what it is made of; these names lead nowhere by themselves.
const MODULE_PARTS: [&str; 3] = ["_parameters", "_buffers", "_modules"];

/// Every tensor of floating point numbers, in the object's order. What lies under a name that
/// begins with `optim`, or under a number in a dictionary, is an optimizer's.
pub fn tensors(pickle: &Pickle) -> Result<Vec<(String, View)>, String> {
    let mut walk = Walk { pickle, seen: BTreeSet::new(), found: Vec::new() };
    walk.visit(pickle.root, "", 0)?;
    Ok(walk.found)
}

/// The whole number or the text under keys that lead to it through dictionaries.
pub fn plain(pickle: &Pickle, keys: &[&str]) -> Option<Value> {
    let end = keys.iter().try_fold(pickle.root, |id, key| {
        let (Node::Mapping(entries) | Node::Made { entries, .. }) = pickle.node(id) else {
            return None;
        };
        // As in Python the last one counts.
        let found = entries.iter().rev().find(|(name, _)| pickle.text(*name) == Some(key));
        found.map(|(_, value)| *value)
    })?;
    pickle.text(end).map(Value::from).or_else(|| pickle.number(end).map(Value::from))
}

/// Bytes of an element of each storage that anything in the object refers to.
pub fn element_sizes(pickle: &Pickle) -> BTreeMap<String, usize> {
    let outside = pickle.nodes().filter_map(|node| match node {
        Node::Outside(described) => Storage::of(pickle, *described),
        _ => None,
    });
    outside.map(|storage| (storage.key.to_owned(), storage.element_size)).collect()
}

struct Walk<'a> {
    pickle: &'a Pickle,
    /// What holds others, and was looked into already: objects may refer to each other in circles.
    seen: BTreeSet<Id>,
    found: Vec<(String, View)>,
}

impl Walk<'_> {
    fn visit(&mut self, id: Id, name: &str, depth: usize) -> Result<(), String> {
        if MAX_NAME < name.len() {
            return Err(format!("a name of more than {MAX_NAME} bytes"));
        }
        if let Some(tensor) = tensor(self.pickle, id) {
            if let Some(view) = tensor.map_err(|reason| format!("{name}: {reason}"))? {
                self.found.push((name.to_owned(), view));
            }
            return Ok(());
        }
        if MAX_DEPTH <= depth || !self.seen.insert(id) {
            return Ok(());
        }
        match self.pickle.node(id) {
            Node::Mapping(entries) => self.entries(entries, name, depth),
            Node::Sequence(items) => items.iter().enumerate().try_for_each(|(place, item)| {
                self.visit(*item, &joined(name, &place.to_string()), depth + 1)
            }),
            Node::Made { from, state, entries, .. } => {
                self.entries(entries, name, depth)?;
                if let Some(state) = state {
                    self.state(*state, name, depth + 1)?;
                }
                self.pairs(*from, name, depth)
            }
            _ => Ok(()),
        }
    }

    fn entries(&mut self, entries: &[(Id, Id)], name: &str, depth: usize) -> Result<(), String> {
        for (key, value) in entries {
            let Some(key) = self.pickle.text(*key).filter(|key| !key.starts_with("optim")) else {
                continue;
            };
            self.visit(*value, &joined(name, key), depth + 1)?;
        }
        Ok(())
    }

    /// What an object knows of itself: a module's parts go by its own name.
    fn state(&mut self, state: Id, name: &str, depth: usize) -> Result<(), String> {
        let (Node::Mapping(entries) | Node::Made { entries, .. }) = self.pickle.node(state) else {
            return Ok(());
        };
        for (key, value) in entries {
            let Some(key) = self.pickle.text(*key) else { continue };
            let is_part = MODULE_PARTS.contains(&key);
            // A dictionary's own remarks, such as the version of each of its modules.
            if key == "_metadata" || key.starts_with("optim") {
                continue;
            }
            let inner = if is_part { name.to_owned() } else { joined(name, key) };
            self.visit(*value, &inner, depth + 1)?;
        }
        Ok(())
    }

    /// Python 2 makes an ordered dictionary from a list of pairs.
    fn pairs(&mut self, from: Id, name: &str, depth: usize) -> Result<(), String> {
        let &[list] = self.pickle.sequence(from) else { return Ok(()) };
        let pairs =
            self.pickle.sequence(list).iter().map(|pair| match *self.pickle.sequence(*pair) {
                [key, value] => Some((key, value)),
                _ => None,
            });
        match pairs.collect::<Option<Vec<_>>>() {
            Some(pairs) => self.entries(&pairs, name, depth),
            None => Ok(()),
        }
    }
}

fn joined(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

/// What is refused, a tensor, or one that no weights are made of.
type Found = Result<Option<View>, String>;

/// The tensor that a node makes; nothing if it makes something else.
fn tensor(pickle: &Pickle, id: Id) -> Option<Found> {
    let Node::Made { by, from, .. } = pickle.node(id) else { return None };
    let arguments = pickle.sequence(*from);
    match (pickle.name(*by)?.rsplit('.').next()?, arguments) {
        ("_rebuild_tensor" | "_rebuild_tensor_v2", arguments) => Some(view(pickle, arguments)),
        ("_rebuild_parameter" | "_rebuild_parameter_with_state", [data, ..]) => {
            // Made from a tensor, never from another parameter.
            match pickle.node(*data) {
                Node::Made { by, .. } if pickle.name(*by)?.contains("_rebuild_tensor") => {
                    tensor(pickle, *data)
                }
                _ => None,
            }
        }
        // A tensor of somebody's own kind: how it is made, its kind, from what.
        ("_rebuild_from_type_v2" | "_rebuild_from_type", [made_by, _, from, ..])
            if pickle.name(*made_by)?.contains("_rebuild_tensor") =>
        {
            Some(view(pickle, pickle.sequence(*from)))
        }
        // Kinds of numbers that have no storage of their own, quantized and sparse tensors.
        (other, _) if other.starts_with("_rebuild_") => Some(Ok(None)),
        _ => None,
    }
}

/// `(storage, offset, size, stride, ..)`
fn view(pickle: &Pickle, arguments: &[Id]) -> Found {
    let [storage, offset, size, stride, ..] = arguments else {
        return Err("a tensor made from too little".to_owned());
    };
    let Node::Outside(described) = pickle.node(*storage) else {
        return Err("a tensor without a storage".to_owned());
    };
    let storage = Storage::of(pickle, *described).ok_or("a storage that is not described")?;
    let Some(element) = storage.element else { return Ok(None) };
    let number = |id: &Id| {
        let number = pickle.number(*id).and_then(|number| usize::try_from(number).ok());
        number.ok_or_else(|| "a tensor's size that is no number".to_owned())
    };
    let numbers = |id: &Id| pickle.sequence(*id).iter().map(number).collect::<Result<Vec<_>, _>>();
    let (shape, strides) = (numbers(size)?, numbers(stride)?);
    if shape.len() != strides.len() || MAX_AXES < shape.len() {
        return Err(format!("a tensor of shape {shape:?} and strides {strides:?}"));
    }
    let offset =
        number(offset)?.checked_add(storage.start).ok_or("an offset beyond all numbers")?;
    Ok(Some(View { key: storage.key.to_owned(), element, offset, shape, strides }))
}

struct Storage<'a> {
    key: &'a str,
    /// Nothing for whole numbers.
    element: Option<Element>,
    element_size: usize,
    /// Where it begins in the storage of this key: the older layout knows storages within storages.
    start: usize,
}

impl<'a> Storage<'a> {
    /// `('storage', kind, key, device, length)`, and in the older layout what part of it is meant.
    fn of(pickle: &'a Pickle, described: Id) -> Option<Self> {
        let [tag, kind, key, _device, _length, rest @ ..] = pickle.sequence(described) else {
            return None;
        };
        if pickle.text(*tag)? != "storage" {
            return None;
        }
        let (element, element_size) = match pickle.name(*kind)?.rsplit('.').next()? {
            "DoubleStorage" => (Some(Element::F64), 8),
            "FloatStorage" => (Some(Element::F32), 4),
            "HalfStorage" => (Some(Element::F16), 2),
            "BFloat16Storage" => (Some(Element::BF16), 2),
            "LongStorage" | "ComplexFloatStorage" => (None, 8),
            "ComplexDoubleStorage" => (None, 16),
            "IntStorage" | "QInt32Storage" => (None, 4),
            "ShortStorage" => (None, 2),
            _ => (None, 1),
        };
        let start = match rest {
            [part, ..] => pickle.sequence(*part).get(1).and_then(|start| pickle.number(*start)),
            [] => None,
        };
        let start = usize::try_from(start.unwrap_or_default()).ok()?;
        Some(Self { key: pickle.text(*key)?, element, element_size, start })
    }
}
