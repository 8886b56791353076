//! What the engine needs and only a browser (or a test) can give.

use std::future::Future;

use shared::burn::tensor::Device;

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

    /// Downloads what is at an address, at most `limit` bytes of it. `progress` hears the bytes
    /// so far and those in all, if known. Dropping the future interrupts the download.
    fn fetch(
        &self,
        address: &str,
        limit: u64,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> impl Future<Output = Result<Vec<u8>, FetchError>>;

    /// What was kept under this hash, unchecked. No cache is an empty cache.
    fn cached(&self, sha256: &str) -> impl Future<Output = Option<Vec<u8>>>;

    /// Keeps bytes for the next visit, if it can.
    fn keep(&self, sha256: &str, bytes: &[u8]) -> impl Future<Output = ()>;

    /// Drops what was kept under this hash.
    fn forget(&self, sha256: &str) -> impl Future<Output = ()>;

    /// A clock that never goes back, in milliseconds.
    fn now(&self) -> f64;

    /// Lets everything that waits go first: messages, other dreams.
    fn breathe(&self) -> impl Future<Output = ()>;
}

/// Why nothing came of a download.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No answer at all.
    #[error("{0}")]
    Unreachable(String),
    /// An answer other than success.
    #[error("the server answered {0}")]
    Status(u16),
    /// It broke off.
    #[error("it broke off after {received} bytes: {reason}")]
    Interrupted {
        /// Bytes that had come.
        received: u64,
        /// As the browser put it.
        reason: String,
    },
    /// It ended too early.
    #[error("it ended after {received} bytes of {expected}")]
    TooShort {
        /// Bytes that came.
        received: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// More than there should be.
    #[error("more than the expected {0} bytes came")]
    TooLong(u64),
}
