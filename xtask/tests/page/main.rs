//! The built page in a real browser, served by our own server.
//!
//! `cargo xtask test` builds the page, names its folder in `$PELLUCID_SITE` and runs these; on
//! their own they are ignored. How the page names its parts is in `docs/page-tests.md`.

mod accessible;
mod attending;
mod boxes;
mod bundles;
mod deck;
mod dreaming;
mod driver;
mod embedding;
mod exemplars;
mod failing;
mod front_door;
mod growth;
mod halted;
mod hosts;
mod looking;
mod low;
mod many;
mod narrow;
mod notices;
mod offline;
mod opening;
mod presenting;
mod searching;
mod sentences;
mod sharing;
mod single_file;
mod slides;
mod slow_line;
mod strict;
mod training;
mod visit;
mod zip;
