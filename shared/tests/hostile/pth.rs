//! A writer of what `torch.save` writes, in both layouts it has had.

use std::collections::BTreeMap;

use shared::weights::{NamedTensor, NamedTensors};

use crate::zip::{Entry, zip64};

/// What a training script saves.
#[derive(Clone)]
pub enum Saved {
    Number(i32),
    Text(&'static str),
    List(Vec<Saved>),
    /// In its order, under text.
    Dict(Vec<(String, Saved)>),
    /// Under numbers from 0, as an optimizer keeps what it knows of each parameter.
    Numbered(Vec<Saved>),
    Tensor(NamedTensor),
    /// An object of somebody's class and what it knows of itself.
    Object(&'static str, Box<Saved>),
}

/// A dictionary.
pub fn dict(entries: impl IntoIterator<Item = (impl Into<String>, Saved)>) -> Saved {
    Saved::Dict(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// Weights under their names, with something before each.
pub fn weights(tensors: &NamedTensors, before: &str) -> Saved {
    let named = tensors.iter();
    dict(named.map(|(name, tensor)| (format!("{before}{name}"), Saved::Tensor(tensor.clone()))))
}

/// The file as PyTorch writes it since 1.6, under a name of this stem.
pub fn pth(stem: &str, saved: &Saved) -> Vec<u8> {
    let mut pickler = Pickler { with_views: false, ..Pickler::default() };
    let pickle = pickler.pickle(saved);
    let named = |name: &str| format!("{stem}/{name}");
    let mut entries = vec![
        Entry::stored(&named("data.pkl"), &pickle),
        Entry::stored(&named("byteorder"), b"little"),
    ];
    for (key, bytes) in &pickler.storages {
        entries.push(Entry::stored(&named(&format!("data/{key}")), bytes));
    }
    entries.push(Entry::stored(&named("version"), b"3\n"));
    zip64(&entries)
}

/// The file as PyTorch wrote it before.
pub fn legacy(saved: &Saved) -> Vec<u8> {
    let mut pickler = Pickler { with_views: true, ..Pickler::default() };
    let object = pickler.pickle(saved);
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    file.extend(b"\x80\x02M\xe9\x03.");
    file.extend(b"\x80\x02}X\x0d\0\0\0little_endian\x88s.");
    file.extend(object);
    file.extend(b"\x80\x02](");
    for key in pickler.storages.keys() {
        file.extend(text(key));
    }
    file.extend(b"e.");
    for bytes in pickler.storages.values() {
        file.extend((bytes.len() as u64 / 4).to_le_bytes());
        file.extend(bytes);
    }
    file
}

#[derive(Default)]
struct Pickler {
    /// The older layout says of each tensor what part of a storage it has: all of it.
    with_views: bool,
    /// By their keys.
    storages: BTreeMap<String, Vec<u8>>,
}

impl Pickler {
    fn pickle(&mut self, saved: &Saved) -> Vec<u8> {
        let mut bytes = b"\x80\x02".to_vec();
        self.write(saved, &mut bytes);
        bytes.push(b'.');
        bytes
    }

    fn write(&mut self, saved: &Saved, out: &mut Vec<u8>) {
        match saved {
            Saved::Number(number) => out.extend(integer(*number)),
            Saved::Text(words) => out.extend(text(words)),
            Saved::List(items) => {
                out.extend(b"](");
                items.iter().for_each(|item| self.write(item, out));
                out.push(b'e');
            }
            Saved::Dict(entries) => {
                out.extend(b"ccollections\nOrderedDict\n)R(");
                for (key, value) in entries {
                    out.extend(text(key));
                    self.write(value, out);
                }
                out.push(b'u');
            }
            Saved::Numbered(values) => {
                out.extend(b"}(");
                for (number, value) in (0..).zip(values) {
                    out.extend(integer(number));
                    self.write(value, out);
                }
                out.push(b'u');
            }
            Saved::Tensor(tensor) => self.write_tensor(tensor, out),
            Saved::Object(class, state) => {
                out.extend(format!("c__main__\n{class}\n)").into_bytes());
                out.push(0x81);
                self.write(state, out);
                out.push(b'b');
            }
        }
    }

    fn write_tensor(&mut self, tensor: &NamedTensor, out: &mut Vec<u8>) {
        let key = self.storages.len().to_string();
        let values = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        out.extend(text("storage"));
        out.extend(b"ctorch\nFloatStorage\n");
        out.extend(text(&key));
        out.extend(text("cpu"));
        out.extend(integer(tensor.values.len() as i32));
        if self.with_views {
            out.push(b'N');
        }
        out.extend(b"tQ");
        out.extend(integer(0));
        let strides = (0..tensor.shape.len()).map(|axis| tensor.shape[axis + 1..].iter().product());
        for numbers in [tensor.shape.clone(), strides.collect::<Vec<usize>>()] {
            out.push(b'(');
            numbers.iter().for_each(|number| out.extend(integer(*number as i32)));
            out.push(b't');
        }
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        self.storages.insert(key, values);
    }
}

fn integer(number: i32) -> Vec<u8> {
    [&b"J"[..], &number.to_le_bytes()].concat()
}

fn text(words: &str) -> Vec<u8> {
    [&b"X"[..], &(words.len() as u32).to_le_bytes(), words.as_bytes()].concat()
}
