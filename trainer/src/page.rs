//! The page on this machine: the site that `cargo xtask build` writes, with bundles of one's own laid
//! over those that it has.

mod answer;
mod server;
mod site;

use std::path::PathBuf;

pub use self::answer::{Answer, Query};
pub use self::server::Server;
pub use self::site::{VARIABLE, find, way_to_one};

/// What is served.
#[derive(Clone, Debug)]
pub struct Page {
    /// The site.
    pub site: PathBuf,
    /// A folder of bundles with its `index.json`, which come before the site's.
    pub bundles: PathBuf,
}
