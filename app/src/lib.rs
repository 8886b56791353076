//! What page and worker share, and the engine between them.
//!
//! The window ([`ask`]) and the worker (`worker`) talk in [`protocol`]; [`transport`] carries
//! it. The [`engine`] does the work and knows no browser. The [`page`] is what the window shows: it
//! follows its [`address`], asks through a [session](ask::session), and is made of [`verbs`] and [`components`].

pub mod address;
pub mod answers;
pub mod arrival;
pub mod ask;
pub mod attending;
pub mod attention;
pub mod baked;
pub mod browser;
pub mod camera;
pub mod components;
pub mod deck;
pub mod engine;
pub mod estimate;
pub mod exemplars;
pub mod failure;
pub mod file_kind;
pub mod files;
pub mod focused;
pub mod follow;
pub mod growth;
pub mod halls;
pub mod heatmap;
pub mod keeping;
pub mod kept_weights;
pub mod keys;
pub mod latents;
pub mod layer_words;
pub mod layout;
pub mod library;
pub mod lives;
pub mod lock;
pub mod making;
pub mod near;
pub mod numbers;
pub mod obey;
pub mod over;
pub mod page;
pub mod palette;
pub mod parts;
pub mod photo;
pub mod problem;
pub mod protocol;
pub mod query;
pub mod replay;
pub mod route;
pub mod scrolled;
pub mod sentences;
pub mod share;
pub mod single_file;
pub mod site;
pub mod slide;
pub mod sprite;
pub mod theme;
pub mod transport;
pub mod unit;
pub mod unit_search;
pub mod verb;
pub mod verbs;
pub mod view;
pub mod watch;
#[cfg(feature = "webgpu")]
pub mod worker;
