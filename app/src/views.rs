//! One view for each verb, and the picture in a slide.

pub mod dream;
pub mod embed;
pub mod look;
pub mod wall;
