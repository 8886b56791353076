//! One view for each verb, and what of them goes into a slide.

pub mod dream;
pub mod embed;
pub mod embed_dream;
pub mod embed_look;
pub mod embed_trouble;
pub mod embed_unit;
pub mod embed_wall;
pub mod exemplars;
pub mod look;
pub mod present;
pub mod unit;
pub mod wall;
