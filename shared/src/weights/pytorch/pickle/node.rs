//! What a pickle is made of.

/// A node's place among all of a pickle's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub(super) usize);

/// A value, or what it would be made from.
#[derive(Clone, Debug)]
pub enum Node {
    /// Something that no weights are made of: None, a truth value, a fraction, bytes, a set.
    Other,
    /// A whole number.
    Integer(i128),
    /// Text.
    Text(String),
    /// A list or a tuple.
    Sequence(Vec<Id>),
    /// A dictionary, in its order.
    Mapping(Vec<(Id, Id)>),
    /// A class or a function by its full name.
    Name(String),
    /// Something that lies outside the pickle, described by this node.
    Outside(Id),
    /// What calling `by` with `from` would give.
    Made {
        /// A name, as a rule.
        by: Id,
        /// The arguments.
        from: Id,
        /// What it was told about itself afterwards.
        state: Option<Id>,
        /// Where it is a kind of dictionary: what was put into it.
        entries: Vec<(Id, Id)>,
    },
}
