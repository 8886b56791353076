//! Everything that page and command line must agree on: bytes in, values out.
//!
//! Reading order follows the flow of a visualization:
//! parameters, transforms, preprocessing, model, tap, objective, stepper, picture.
//! No file system, no threads, no clock, no browser types. Async only where a device is read.

pub use burn;

pub mod classes;
pub mod colormap;
pub mod device;
pub mod error;
pub mod format;
pub mod image;
pub mod matching;
pub mod models;
pub mod network;
pub mod ops;
pub mod preprocess;
pub mod readout;
pub mod tap;
pub mod visualize;
pub mod weights;

pub use error::{Error, Result};
