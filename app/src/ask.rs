//! How the page asks the engine: questions, one open question a slot, and the session that keeps
//! device and model.

pub mod client;
pub mod line;
pub mod session;
pub mod slot;
