//! Feature visualization by gradient ascent (Olah et al. 2017, "Feature Visualization", Distill).

pub mod adam;
pub mod making;
pub mod mistake;
pub mod objective;
pub mod parameters;
pub mod preset;
pub mod score;
pub mod setting;
pub mod settings;
pub mod snapshot;
pub mod spectrum;
pub mod stepper;
pub mod transform;

pub use making::Making;
pub use mistake::{Mistake, mistake};
pub use objective::Objective;
pub use preset::Preset;
pub use setting::{SETTINGS, Setting};
pub use settings::Settings;
pub use snapshot::Snapshot;
pub use stepper::Dream;
