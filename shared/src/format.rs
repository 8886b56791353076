//! Files that outlive a run.

pub mod archive;
pub mod bundle;
pub mod credits;
pub mod dictionary;
mod document;
pub mod exemplars;
mod field;
pub mod orientation;
mod part;
pub mod png;
pub mod recipe;
pub mod shards;
pub mod single_file;
pub mod site;
pub mod table;
pub mod webp;
pub mod worth;
pub mod zip;
