//! The built page in a real browser, served by our own server.
//!
//! `cargo xtask test` builds the page, names its folder in `$PELLUCID_SITE` and runs these; on
//! their own they are ignored. How the page names its parts is in `docs/page-tests.md`.

mod bundles;
mod dreaming;
mod driver;
mod embedding;
mod exemplars;
mod failing;
mod looking;
mod opening;
mod sharing;
mod visit;
mod zip;
