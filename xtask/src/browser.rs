//! A real browser, driven from Rust: the page's tests, screenshots and measurements use it.

mod chromium;
mod session;

pub use chromium::{Chromium, Graphics, find};
pub use session::{Element, Session};
