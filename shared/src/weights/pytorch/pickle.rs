//! A pickle as data: what Python would build, without building it.
//!
//! A pickle is a program for a stack machine, and Python runs whatever it names. Here names stay
//! names: nothing is imported, nothing is called, and an object is what it would have been made
//! from. Every instruction makes at most one node, and their number is limited.
//!
//! Source: the opcodes of Python's `pickletools`, protocols 0 to 5.

mod machine;
mod node;

use machine::Machine;
pub use node::{Id, Node};

/// Every node, and the one that the others are for.
#[derive(Debug)]
pub struct Pickle {
    nodes: Vec<Node>,
    /// What the pickle stands for.
    pub root: Id,
}

impl Pickle {
    /// Reads one pickle and leaves what follows it.
    pub fn read(bytes: &mut &[u8]) -> Result<Self, String> {
        let mut machine = Machine::new(bytes);
        let root = loop {
            if let Some(root) = machine.step()? {
                break root;
            }
        };
        let (nodes, rest) = machine.into_nodes();
        *bytes = rest;
        Ok(Self { nodes, root })
    }

    /// The node at a place.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0]
    }

    /// Every node, in the order in which they were made.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Text, if that is what it is.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, if that is what it is and it fits.
    pub fn number(&self, id: Id) -> Option<u64> {
        match self.node(id) {
            Node::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The full name of a class or a function, if that is what it is.
    pub fn name(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Name(name) => Some(name),
            _ => None,
        }
    }

    /// What is in a list or a tuple; nothing for anything else.
    pub fn sequence(&self, id: Id) -> &[Id] {
        match self.node(id) {
            Node::Sequence(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> Result<Pickle, String> {
        Pickle::read(&mut bytes)
    }

    #[test]
    fn numbers_and_text_of_every_protocol_are_read() {
        // (1, -2, 'k', 70000) as Python writes it at protocol 2 and at protocol 0.
        let binary = b"\x80\x02(K\x01J\xfe\xff\xff\xffX\x01\x00\x00\x00kJp\x11\x01\x00tq\x01.";
        let text = b"(I1\nI-2\nVk\nL70000L\ntp0\n.";
        for bytes in [&binary[..], text] {
            let pickle = read(bytes).unwrap();
            let [one, minus, key, many] = pickle.sequence(pickle.root) else {
                panic!("four items")
            };
            assert!(matches!(pickle.node(*minus), Node::Integer(-2)));
            assert_eq!(pickle.number(*one), Some(1));
            assert_eq!(pickle.text(*key), Some("k"));
            assert_eq!(pickle.number(*many), Some(70_000));
            assert_eq!(pickle.number(*minus), None);
        }
    }

    #[test]
    fn what_python_would_run_stays_a_name() {
        // os.system("echo"), as an attacker writes it.
        let pickle = read(b"cos\nsystem\n(X\x04\x00\x00\x00echotR.").unwrap();
        let Node::Made { by, .. } = pickle.node(pickle.root) else { panic!("a call") };
        assert_eq!(pickle.name(*by), Some("os.system"));
    }

    #[test]
    fn what_follows_a_pickle_is_left() {
        let mut bytes = &b"N.K\x07."[..];
        Pickle::read(&mut bytes).unwrap();
        assert_eq!(bytes, b"K\x07.");
    }

    #[test]
    fn instructions_without_operands_and_references_to_nothing_are_refused() {
        for (bytes, words) in [
            (&b""[..], "cut short"),
            (b".", "without its operand"),
            (b"t", "without its mark"),
            (b"(0t", "without its operand"),
            (b"\x85", "without its operand"),
            (b"h\x07", "never there"),
            (b"X\xff\xff\xff\xffk", "bytes wanted"),
            (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "bytes wanted"),
            (b"cos", "without an end"),
            (b"(o", "no class"),
            (b"\x97", "0x97"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(words), "{}: {error}", bytes.escape_ascii());
        }
    }
}
