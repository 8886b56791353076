//! One verb a file: arguments in, one library call, results out.

mod arguments;
pub mod classify;
pub mod doctor;
pub mod evaluate;
pub mod exemplars;
pub mod explore;
pub mod export;
pub mod features;
pub mod fetch;
pub mod import;
pub mod layers;
pub mod record;
mod serving;
mod setting_flags;
pub mod single_file;
pub mod spectrum;
pub mod synthetic;
pub mod train;
pub mod visualize;
