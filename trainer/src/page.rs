//! The page on this machine: the site that `cargo xtask build` writes, with bundles of one's own laid
//! over those that it has.

mod answer;
mod server;
mod site;

pub use self::answer::{Answer, Page, Query};
pub use self::server::Server;
pub use self::site::{BUILD, VARIABLE, find, way_to_one};
