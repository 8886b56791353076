//! What page and worker share, and the engine between them.
//!
//! The window ([`client`]) and the worker (`worker`) talk in [`protocol`]; [`transport`] carries
//! it. The [`engine`] does the work and knows no browser. The [`page`] is what the window shows: it
//! follows its [`address`], asks through a [`session`], and is made of [`views`] and [`components`].

pub mod address;
pub mod answers;
pub mod baked;
pub mod browser;
pub mod client;
pub mod components;
pub mod engine;
pub mod estimate;
pub mod exemplars;
pub mod follow;
pub mod growth;
pub mod heatmap;
pub mod keys;
pub mod kinds;
pub mod library;
pub mod making;
pub mod numbers;
pub mod page;
pub mod palette;
pub mod pane;
pub mod parts;
pub mod photo;
pub mod protocol;
pub mod query;
pub mod route;
pub mod scrolled;
pub mod session;
pub mod share;
pub mod sight;
pub mod single_file;
pub mod site;
pub mod sprite;
pub mod transport;
pub mod unit;
pub mod views;
#[cfg(feature = "webgpu")]
pub mod worker;
