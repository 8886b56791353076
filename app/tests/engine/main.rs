//! The engine without a browser: real requests, a host made for the test.

mod host;
mod page;
mod reference;

mod classify;
mod dream;
mod endings;
mod load;
