//! Files that outlive a run.

pub mod archive;
pub mod bundle;
pub mod credits;
pub mod exemplars;
pub mod orientation;
pub mod png;
pub mod recipe;
pub mod single_file;
pub mod site;
pub mod webp;
pub mod zip;
