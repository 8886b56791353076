//! Files that outlive a run.

pub mod bundle;
pub mod png;
pub mod recipe;
