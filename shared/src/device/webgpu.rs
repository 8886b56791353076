//! The browser's GPU, watched for what can befall it.

use std::sync::{Arc, Mutex};

use burn::tensor::Device;
use burn::tensor::wgpu::wgpu;

use crate::{Error, Result};

/// Runs the constructors that the linker collected: with them parts of the GPU stack make
/// themselves known to it.
///
/// Where a program does not do this itself, the linker has every function that JavaScript can call
/// run all of them first, several times for each kernel launched: a forward pass of GoogLeNet then
/// takes 842 ms instead of 19 (Chromium; NVIDIA H100 and H200).
fn construct() {
    #[cfg(target_family = "wasm")]
    #[allow(unsafe_code)]
    {
        unsafe extern "C" {
            fn __wasm_call_ctors();
        }
        // SAFETY: the linker makes it, without arguments or result. All constructors are those of
        // the crate `inventory`, which do nothing the second time.
        unsafe { __wasm_call_ctors() };
    }
}

/// The browser's GPU. There is one for the life of a program: it cannot be started twice.
#[derive(Clone)]
pub struct WebGpu {
    device: Device,
    adapter: String,
    handle: wgpu::Device,
    trouble: Arc<Mutex<Option<Trouble>>>,
}

/// What has befallen a GPU. Nothing computed on it since can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The system took it away; everything on it is gone.
    Lost(String),
    /// It had no memory left for something.
    OutOfMemory(String),
    /// It refused something.
    Refused(String),
}

impl WebGpu {
    /// Starts the GPU of the browser's choice.
    ///
    /// # Errors
    /// There is none, or it was started before.
    pub async fn start() -> Result<Self> {
        construct();
        let (device, setup) =
            Device::wgpu_options().init_with_setup_async().await.map_err(|error| {
                Error::Device { device: "WebGPU".to_owned(), reason: error.to_string() }
            })?;
        let trouble = Arc::new(Mutex::new(None));
        let note = trouble.clone();
        setup.device.set_device_lost_callback(move |_, message| {
            remember(&note, Trouble::Lost(message));
        });
        let note = trouble.clone();
        // The handler it replaces panics, which would end the whole worker.
        setup.device.on_uncaptured_error(Arc::new(move |error| {
            let text = error.to_string();
            remember(
                &note,
                match error {
                    wgpu::Error::OutOfMemory { .. } => Trouble::OutOfMemory(text),
                    _ => Trouble::Refused(text),
                },
            );
        }));
        let adapter = setup.adapter.get_info().name;
        Ok(Self { device, adapter, handle: setup.device, trouble })
    }

    /// Where tensors are made.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The adapter's description, as its driver gives it; browsers may leave it empty.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// What has befallen it since it was started; loss counts more than what came before.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().ok().and_then(|trouble| trouble.clone())
    }

    /// Forgets about everything but loss, so that something smaller can be tried.
    pub fn forgive(&self) {
        if let Ok(mut trouble) = self.trouble.lock()
            && !matches!(*trouble, Some(Trouble::Lost(_)))
        {
            *trouble = None;
        }
    }

    /// Lets it go as if the system had taken it.
    pub fn lose(&self) {
        self.handle.destroy();
    }
}

/// Keeps the first trouble, which is the cause of those that follow, unless the device is lost.
fn remember(place: &Mutex<Option<Trouble>>, trouble: Trouble) {
    if let Ok(mut known) = place.lock() {
        let lost = matches!(trouble, Trouble::Lost(_));
        if known.is_none() || (lost && !matches!(*known, Some(Trouble::Lost(_)))) {
            *known = Some(trouble);
        }
    }
}
