//! Every chore of the workspace: `cargo xtask <task>`.
//!
//! Depends on nothing else of ours, so that it compiles in seconds and can judge the rest.

mod assets;
pub mod axe;
mod bench;
pub mod browser;
mod build;
mod bundle;
mod ci;
mod cli;
mod compress;
mod cuda;
pub mod line;
pub mod many;
mod npm;
pub mod offline;
mod optimize;
mod process;
pub mod rehearsal;
mod screenshots;
mod serve;
pub mod server;
mod stamp;
mod steps;
mod test;
mod tidy;
mod tools;
pub mod workspace;

pub use cli::run;
