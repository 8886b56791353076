//! Which pictures excite the units of a layer most, and how their activations are distributed:
//! tables of a bundle, of which `docs/bundle.md` tells the layout.

mod described;
mod pages;
mod statistic;
mod unit;
mod whole;

pub use self::described::{Exemplars, Kind, TOP_LIMIT};
pub use self::pages::{Heat, Records};
pub use self::statistic::Statistic;
pub use self::unit::{BARS, Exemplar, QUANTILES, UnitExemplars};
pub use self::whole::{Reference, Whole};
