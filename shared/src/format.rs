//! Files that outlive a run.

pub mod bundle;
pub mod credits;
pub mod exemplars;
pub mod png;
pub mod recipe;
