//! What the targets call: the same parsers, with the same expectations, as `shared/tests/hostile.rs`.

#[path = "../../shared/tests/hostile/parsers.rs"]
pub mod parsers;
