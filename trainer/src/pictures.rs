//! Picture files: found in folders and shards, decoded upright, ahead of whoever computes.

pub mod ahead;
pub mod apart;
pub mod decode;
mod folder;
pub mod found;
mod jpeg;
mod left_out;
pub mod listing;
mod name;
pub mod shard;
pub mod source;
