//! The engine without a browser: real requests, a host made for the test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod host;
mod page;
mod reference;

mod classify;
mod dream;
mod endings;
mod load;
