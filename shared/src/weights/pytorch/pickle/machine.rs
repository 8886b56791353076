//! The machine that a pickle is a program for.

use std::collections::BTreeMap;

use super::node::{Id, Node};

/// The most nodes a pickle may have. A checkpoint of a thousand layers with its optimizer has some
/// hundred thousand.
const NODES_LIMIT: usize = 1 << 22;

/// A stack machine that makes nodes.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// How high the stack was.
    marks: Vec<usize>,
    memo: BTreeMap<u64, Id>,
}

impl<'a> Machine<'a> {
    /// Before the first instruction.
    pub fn new(bytes: &'a [u8]) -> Self {
        let (stack, marks, memo) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { bytes, nodes: vec![Node::Other], stack, marks, memo }
    }

    /// What was made, and the bytes that follow.
    pub fn into_nodes(self) -> (Vec<Node>, &'a [u8]) {
        (self.nodes, self.bytes)
    }

    /// Runs one instruction; at the last, what the pickle stands for.
    pub fn step(&mut self) -> Result<Option<Id>, String> {
        if NODES_LIMIT < self.nodes.len() {
            return Err(format!("more than {NODES_LIMIT} values"));
        }
        let [opcode] = self.array()?;
        match opcode {
            b'.' => return self.pop().map(Some),
            // The protocol, and how many bytes belong together.
            0x80 => drop(self.array::<1>()?),
            0x95 => drop(self.array::<8>()?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => self.stack.push(self.top()?),

            b'N' | 0x88 | 0x89 => self.push(Node::Other),
            b'G' => self.other(8)?,
            b'F' => self.other_line()?,
            b'J' => self.integer(4)?,
            b'K' => self.unsigned(1)?,
            b'M' => self.unsigned(2)?,
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            b'I' | b'L' => self.integer_line()?,
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            // What Python 2 calls a string, torch's keys among them.
            b'T' => self.text(4)?,
            b'U' => self.text(1)?,
            b'V' | b'S' => self.text_line()?,
            b'C' => self.bytes(1)?,
            b'B' => self.bytes(4)?,
            0x8e | 0x96 => self.bytes(8)?,

            b']' | b')' => self.push(Node::Sequence(Vec::new())),
            b'}' => self.push(Node::Mapping(Vec::new())),
            0x8f => self.push(Node::Other),
            b't' | b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Sequence(items));
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Node::Sequence(items));
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Mapping(pairs(&items)));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let pair = self.pop_many(2)?;
                self.put_in(&pair)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.put_in(&items)?;
            }
            0x90 => drop(self.pop_to_mark()?),
            0x91 => {
                self.pop_to_mark()?;
                self.push(Node::Other);
            }

            b'c' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                self.push(Node::Name(name));
            }
            0x93 => self.name_from_stack()?,
            b'R' | 0x81 => {
                let from = self.pop()?;
                self.make(from)?;
            }
            0x92 => {
                // Named arguments make nothing that holds weights.
                self.pop()?;
                let from = self.pop()?;
                self.make(from)?;
            }
            b'i' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                let items = self.pop_to_mark()?;
                self.push(Node::Name(name));
                let from = self.add(Node::Sequence(items));
                self.make(from)?;
            }
            b'o' => {
                let mut items = self.pop_to_mark()?;
                if items.is_empty() {
                    return Err("an object of no class".to_owned());
                }
                let rest = items.split_off(1);
                self.stack.extend(items);
                let from = self.add(Node::Sequence(rest));
                self.make(from)?;
            }
            b'b' => {
                let told = self.pop()?;
                let object = self.top()?;
                if let Node::Made { state, .. } = &mut self.nodes[object.0] {
                    *state = Some(told);
                }
            }
            b'Q' => {
                let described = self.pop()?;
                self.push(Node::Outside(described));
            }
            b'P' => self.other_line()?,

            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            b'p' => {
                let number = self.number_line()?;
                self.remember_as(number)?;
            }
            0x94 => self.remember_as(self.memo.len() as u64)?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'g' => {
                let number = self.number_line()?;
                self.recall_from(number)?;
            }
            other => {
                return Err(format!("an instruction (0x{other:02x}) that PyTorch never writes"));
            }
        }
        Ok(None)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let split =
            usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length));
        let (taken, rest) = split.ok_or_else(|| {
            format!("{length} bytes wanted where {} are left: cut short?", self.bytes.len())
        })?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], String> {
        let taken = self.take(SIZE as u64)?;
        taken.try_into().map_err(|_| "cut short".to_owned())
    }

    /// A little-endian number of so many bytes.
    fn length(&mut self, size: usize) -> Result<u64, String> {
        let taken = self.take(size as u64)?;
        Ok(taken.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end =
            self.bytes.iter().position(|byte| *byte == b'\n').ok_or("a line without an end")?;
        let line = self.take(end as u64)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| "a line that is no text".to_owned())
    }

    fn number_line(&mut self) -> Result<u64, String> {
        let line = self.line()?;
        line.parse().map_err(|_| format!("{line:?} where a number was expected"))
    }

    fn add(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        Id(self.nodes.len() - 1)
    }

    fn push(&mut self, node: Node) {
        let id = match node {
            // One stands for all of them.
            Node::Other => Id(0),
            node => self.add(node),
        };
        self.stack.push(id);
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| "an instruction without its operand".to_owned())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let start = self.stack.len().checked_sub(count);
        let start = start.ok_or("an instruction without its operands")?;
        Ok(self.stack.split_off(start))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or("an instruction without its mark")?))
    }

    fn other(&mut self, size: u64) -> Result<(), String> {
        self.take(size)?;
        self.push(Node::Other);
        Ok(())
    }

    fn other_line(&mut self) -> Result<(), String> {
        self.line()?;
        self.push(Node::Other);
        Ok(())
    }

    fn integer(&mut self, size: u64) -> Result<(), String> {
        let node = signed(self.take(size)?);
        self.push(node);
        Ok(())
    }

    fn unsigned(&mut self, size: usize) -> Result<(), String> {
        let number = self.length(size)?;
        self.push(Node::Integer(number.into()));
        Ok(())
    }

    fn long(&mut self, size: usize) -> Result<(), String> {
        let length = self.length(size)?;
        self.integer(length)
    }

    /// `7`, `7L`, and `00` and `01` for truth values.
    fn integer_line(&mut self) -> Result<(), String> {
        let line = self.line()?;
        let node = line.trim_end_matches('L').parse().map_or(Node::Other, Node::Integer);
        self.push(node);
        Ok(())
    }

    fn text(&mut self, size: usize) -> Result<(), String> {
        let length = self.length(size)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Node::Text(text));
        Ok(())
    }

    fn text_line(&mut self) -> Result<(), String> {
        let text = self.line()?.trim_matches(['\'', '"']).to_owned();
        self.push(Node::Text(text));
        Ok(())
    }

    fn bytes(&mut self, size: usize) -> Result<(), String> {
        let length = self.length(size)?;
        self.other(length)
    }

    /// Into the list on top. Other kinds of lists hold no weights.
    fn append(&mut self, added: &[Id]) -> Result<(), String> {
        let list = self.top()?;
        if let Node::Sequence(items) = &mut self.nodes[list.0] {
            items.extend(added);
        }
        Ok(())
    }

    /// Into the dictionary on top, of whatever kind it is.
    fn put_in(&mut self, items: &[Id]) -> Result<(), String> {
        let object = self.top()?;
        if let Node::Mapping(entries) | Node::Made { entries, .. } = &mut self.nodes[object.0] {
            entries.extend(pairs(items));
        }
        Ok(())
    }

    fn name_from_stack(&mut self) -> Result<(), String> {
        let parts = self.pop_many(2)?;
        let part = |id: &Id| match &self.nodes[id.0] {
            Node::Text(text) => Ok(text.as_str()),
            _ => Err("a class whose name is no text".to_owned()),
        };
        let name = parts.iter().map(part).collect::<Result<Vec<_>, _>>()?.join(".");
        self.push(Node::Name(name));
        Ok(())
    }

    fn make(&mut self, from: Id) -> Result<(), String> {
        let by = self.pop()?;
        self.push(Node::Made { by, from, state: None, entries: Vec::new() });
        Ok(())
    }

    fn remember(&mut self, size: usize) -> Result<(), String> {
        let number = self.length(size)?;
        self.remember_as(number)
    }

    fn remember_as(&mut self, number: u64) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, size: usize) -> Result<(), String> {
        let number = self.length(size)?;
        self.recall_from(number)
    }

    fn recall_from(&mut self, number: u64) -> Result<(), String> {
        let known = self.memo.get(&number).copied();
        self.stack.push(known.ok_or("a reference to what was never there")?);
        Ok(())
    }
}

fn pairs(items: &[Id]) -> Vec<(Id, Id)> {
    items.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value)).collect()
}

/// A little-endian number in two's complement; one of more than 128 bits is none that matters.
fn signed(bytes: &[u8]) -> Node {
    if 16 < bytes.len() {
        return Node::Other;
    }
    let negative = bytes.last().is_some_and(|byte| 0x80 <= *byte);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    wide[..bytes.len()].copy_from_slice(bytes);
    Node::Integer(i128::from_le_bytes(wide))
}
