//! The library behind the command `pellucid`: files, downloads, folders of pictures, bundles.
//!
//! What page and command line must agree on is in `shared`; this crate adds paths, threads,
//! terminals and the network. A command turns arguments into plain data, calls one function
//! here, and prints the result.

pub mod activations;
pub mod built_in;
pub mod bundle;
pub mod cache;
pub mod checkpoint;
pub mod classify;
pub mod cli;
pub mod commands;
pub mod convert;
pub mod device;
pub mod dictionary;
pub mod doctor;
pub mod download;
pub mod evaluate;
pub mod exemplars;
pub mod explore;
pub mod failure;
pub mod features;
pub mod fetch;
pub mod figure;
pub mod hash;
pub mod import;
pub mod interrupt;
pub mod job;
pub mod labels;
pub mod model;
pub mod naming;
pub mod output;
pub mod page;
pub mod pictures;
pub mod progress;
pub mod record;
pub mod shards;
pub mod single_file;
pub mod spectrum;
pub mod synthetic;
pub mod train;
pub mod visualize;
pub mod weights;
