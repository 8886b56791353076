//! Activations on disk: what a store says of itself, and where in it a number lies.
//!
//! `docs/shards.md` is normative. Numbers lie in files without any header, so that a map of a file
//! is the array; everything that is said of them is JSON, untrusted, and checked here.

mod description;
mod layout;
mod record;
pub mod saev;

pub use description::{Description, Named, STORE_LIMIT};
pub use layout::{Array, Dtype, Layout, PER_SHARD_LIMIT, TokenKind};
pub use record::{
    PICTURES_LIMIT, RECORD_LIMIT, Record, Titled, data_path, pictures, pictures_path, record_path,
    shard_of_record,
};
