//! A host with files, a cache, a clock and troubles as a test wants them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use app::engine::host::{FetchError, Host};
use app::protocol::{DeviceChoice, DeviceReport, Failure, FailureKind};
use shared::burn::tensor::Device;

/// What the engine's host gives, and what it was asked for.
#[derive(Default)]
pub struct World {
    /// What each address answers; others answer 404.
    pub files: RefCell<BTreeMap<String, Result<Vec<u8>, FetchError>>>,
    /// What is kept between visits.
    pub cache: RefCell<BTreeMap<String, Vec<u8>>>,
    /// Addresses asked for, in order.
    pub fetched: RefCell<Vec<String>>,
    /// Downloads never end while this holds.
    pub stalled: Cell<bool>,
    /// Calls the processor a GPU, so that what befalls GPUs can befall it.
    pub pretend_gpu: Cell<bool>,
    /// What the device says of itself.
    pub trouble: RefCell<Option<Failure>>,
    /// What opening a device fails with.
    pub no_device: RefCell<Option<Failure>>,
    breaths: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

impl World {
    /// Lets dreams go on after their step this many times.
    pub fn allow_breaths(&self, count: usize) {
        self.breaths.set(self.breaths.get().saturating_add(count));
        for waker in self.waiting.take() {
            waker.wake();
        }
    }
}

/// The world as the engine sees it.
pub struct TestHost(pub Rc<World>);

impl Host for TestHost {
    async fn open_device(&self, choice: DeviceChoice) -> Result<(Device, DeviceReport), Failure> {
        if let Some(failure) = self.0.no_device.borrow().clone() {
            return Err(failure);
        }
        let gpu = self.0.pretend_gpu.get() && choice != DeviceChoice::Cpu;
        let report = DeviceReport {
            device: if gpu { DeviceChoice::WebGpu } else { DeviceChoice::Cpu },
            adapter: String::new(),
            software: false,
            reason: "A test runs.".to_owned(),
        };
        Ok((shared::device::cpu(), report))
    }

    fn device_trouble(&self) -> Option<Failure> {
        self.0.trouble.borrow().clone()
    }

    fn lose_device(&self) -> Result<(), Failure> {
        let lost = Failure::new(FailureKind::DeviceLost, "The GPU was lost.", "Test.", "Restart.");
        *self.0.trouble.borrow_mut() = Some(lost);
        Ok(())
    }

    async fn fetch(
        &self,
        address: &str,
        limit: u64,
        progress: &dyn Fn(u64, Option<u64>),
    ) -> Result<Vec<u8>, FetchError> {
        self.0.fetched.borrow_mut().push(address.to_owned());
        poll_fn(|context| {
            if self.0.stalled.get() {
                self.0.waiting.borrow_mut().push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        let file = self.0.files.borrow().get(address).cloned();
        let bytes = file.unwrap_or(Err(FetchError::Status(404)))?;
        let total = bytes.len() as u64;
        progress(total / 2, Some(total));
        if limit < total {
            return Err(FetchError::TooLong(limit));
        }
        progress(total, Some(total));
        Ok(bytes)
    }

    async fn cached(&self, sha256: &str) -> Option<Vec<u8>> {
        self.0.cache.borrow().get(sha256).cloned()
    }

    async fn keep(&self, sha256: &str, bytes: &[u8]) {
        self.0.cache.borrow_mut().insert(sha256.to_owned(), bytes.to_vec());
    }

    async fn forget(&self, sha256: &str) {
        self.0.cache.borrow_mut().remove(sha256);
    }

    fn now(&self) -> f64 {
        0.0
    }

    async fn breathe(&self) {
        poll_fn(|context| {
            if let Some(left) = self.0.breaths.get().checked_sub(1) {
                self.0.breaths.set(left);
                return Poll::Ready(());
            }
            self.0.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
