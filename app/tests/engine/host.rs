//! A host with files, a cache, a clock and troubles as a test wants them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use app::engine::host::Host;
use app::files::Files;
use app::files::download::FetchError;
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
    stalled: Cell<bool>,
    /// Calls the processor a GPU, so that what befalls GPUs can befall it.
    pub pretend_gpu: Cell<bool>,
    /// What the device says of itself.
    pub trouble: RefCell<Option<Failure>>,
    /// What opening a device fails with.
    pub no_device: RefCell<Option<Failure>>,
    breaths: Cell<usize>,
    line: RefCell<VecDeque<Rc<Breath>>>,
    waiting: RefCell<Vec<Waker>>,
}

/// Somebody who lets the others go first, as in a browser's event loop.
#[derive(Default)]
struct Breath {
    called: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl World {
    /// Lets dreams go on after their step, this many in the order they came.
    pub fn allow_breaths(&self, count: usize) {
        self.breaths.set(self.breaths.get().saturating_add(count));
        self.call_breaths();
    }

    /// Lets downloads come to nothing, or go on.
    pub fn stall(&self, stalled: bool) {
        self.stalled.set(stalled);
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    fn call_breaths(&self) {
        let mut line = self.line.borrow_mut();
        while 0 < self.breaths.get()
            && let Some(breath) = line.pop_front()
        {
            self.breaths.update(|left| left - 1);
            breath.called.set(true);
            if let Some(waker) = breath.waker.take() {
                waker.wake();
            }
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

    fn files(&self) -> &impl Files {
        self
    }

    fn now(&self) -> f64 {
        0.0
    }

    async fn breathe(&self) {
        let breath = Rc::new(Breath::default());
        self.0.line.borrow_mut().push_back(breath.clone());
        let mut first = true;
        poll_fn(|context| {
            if !std::mem::take(&mut first) {
                self.0.call_breaths();
                if breath.called.get() {
                    return Poll::Ready(());
                }
            } else {
                context.waker().wake_by_ref();
            }
            *breath.waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Files for TestHost {
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
}
