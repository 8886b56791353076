//! What the engine needs and only a browser (or a test) can give.

use std::future::Future;

use shared::burn::tensor::Device;

use crate::files::Files;
use crate::protocol::{DeviceChoice, DeviceReport, Failure};

/// The engine's surroundings.
pub trait Host: 'static {
    /// Starts a device, or gives the running one again.
    fn open_device(
        &self,
        choice: DeviceChoice,
    ) -> impl Future<Output = Result<(Device, DeviceReport), Failure>>;

    /// What has befallen the GPU and was not said before; a lost one is said again and again.
    fn device_trouble(&self) -> Option<Failure>;

    /// Lets the GPU go as if the system had taken it.
    fn lose_device(&self) -> Result<(), Failure>;

    /// Where files come from, and where they are kept.
    fn files(&self) -> &impl Files;

    /// A clock that never goes back, in milliseconds.
    fn now(&self) -> f64;

    /// Lets everything that waits go first: messages, other dreams.
    fn breathe(&self) -> impl Future<Output = ()>;
}
