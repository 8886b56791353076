//! Which device to compute on, and what becomes of the GPU.

use std::cell::RefCell;

use js_sys::{Function, Object, Promise, Reflect, global};
use shared::burn::tensor::Device;
use shared::device;
use shared::device::webgpu::{Trouble, WebGpu};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::protocol::{DeviceChoice, DeviceReport, Failure, FailureKind};

/// Adapters that compute on the processor, by a part of their names in lower case.
const SOFTWARE: [&str; 4] = ["swiftshader", "llvmpipe", "lavapipe", "microsoft basic render"];

/// The GPU, once it has been started; it cannot be started twice.
#[derive(Default)]
pub struct Gpu {
    started: RefCell<Option<WebGpu>>,
}

/// What a browser says about its GPU before it is started.
struct Adapter {
    name: String,
    software: bool,
}

impl Gpu {
    /// Opens the device that is wanted, or the best there is.
    pub async fn open(&self, choice: DeviceChoice) -> Result<(Device, DeviceReport), Failure> {
        if choice == DeviceChoice::Cpu {
            return Ok(processor("The processor was chosen."));
        }
        let wanted = choice == DeviceChoice::WebGpu;
        let found = match self.lost() {
            Some(why) if wanted => return Err(lost(&why)),
            Some(_) => Err("The GPU was lost, so the processor is used.".to_owned()),
            None => adapter().await,
        };
        let adapter = match found {
            Ok(adapter) if wanted || !adapter.software => adapter,
            Ok(adapter) => {
                return Ok(processor(&format!(
                    "The only GPU here is a software one ({}), which is slower than the processor.",
                    adapter.name
                )));
            }
            Err(why) if wanted => return Err(no_webgpu(&why)),
            Err(why) => return Ok(processor(&why)),
        };
        match self.start().await {
            Ok(gpu) => Ok((gpu.device().clone(), report(&gpu, adapter, choice))),
            Err(why) if wanted => Err(no_webgpu(&why)),
            Err(why) => Ok(processor(&format!("The GPU could not be started: {why}"))),
        }
    }

    /// What has befallen the GPU and was not said before; a lost one is said again and again.
    pub fn trouble(&self) -> Option<Failure> {
        let started = self.started.borrow();
        let gpu = started.as_ref()?;
        let failure = match gpu.trouble()? {
            Trouble::Lost(why) => lost(&why),
            Trouble::OutOfMemory(why) => Failure::new(
                FailureKind::OutOfMemory,
                "The GPU has no memory left for this.",
                why,
                "Choose a smaller size or batch, or close other tabs that use the GPU.",
            ),
            Trouble::Refused(why) => Failure::new(
                FailureKind::Internal,
                "The GPU refused to compute this.",
                why,
                "Switch to the processor, and report the details.",
            ),
        };
        gpu.forgive();
        Some(failure)
    }

    /// Lets the GPU go as if the system had taken it.
    pub fn lose(&self) -> Result<(), Failure> {
        match &*self.started.borrow() {
            Some(gpu) => {
                gpu.lose();
                Ok(())
            }
            None => Err(Failure::new(
                FailureKind::NoWebGpu,
                "There is no GPU to lose.",
                "None was started.",
                "Switch to WebGPU first.",
            )),
        }
    }

    async fn start(&self) -> Result<WebGpu, String> {
        if let Some(gpu) = self.started.borrow().clone() {
            return Ok(gpu);
        }
        let gpu = WebGpu::start().await.map_err(|error| error.to_string())?;
        *self.started.borrow_mut() = Some(gpu.clone());
        Ok(gpu)
    }

    fn lost(&self) -> Option<String> {
        match self.started.borrow().as_ref()?.trouble() {
            Some(Trouble::Lost(why)) => Some(why),
            _ => None,
        }
    }
}

fn processor(reason: &str) -> (Device, DeviceReport) {
    let report = DeviceReport {
        device: DeviceChoice::Cpu,
        adapter: String::new(),
        software: false,
        reason: reason.to_owned(),
    };
    (device::cpu(), report)
}

fn report(gpu: &WebGpu, adapter: Adapter, choice: DeviceChoice) -> DeviceReport {
    let name = if adapter.name.is_empty() { gpu.adapter().to_owned() } else { adapter.name };
    let reason = match (choice, adapter.software) {
        (DeviceChoice::WebGpu, true) => {
            "WebGPU was chosen. It runs in software here, slower than the processor."
        }
        (DeviceChoice::WebGpu, false) => "WebGPU was chosen.",
        _ => "This browser has a GPU, which is the fastest way.",
    };
    DeviceReport {
        device: DeviceChoice::WebGpu,
        adapter: name,
        software: adapter.software,
        reason: reason.to_owned(),
    }
}

fn no_webgpu(why: &str) -> Failure {
    Failure::new(
        FailureKind::NoWebGpu,
        "WebGPU cannot be used here.",
        why,
        "Use the processor, or a browser and a computer with WebGPU.",
    )
}

fn lost(why: &str) -> Failure {
    let why = if why.is_empty() { "The browser gave no reason." } else { why };
    Failure::new(
        FailureKind::DeviceLost,
        "The GPU was lost.",
        why,
        "Start the engine again, or go on with the processor.",
    )
}

/// Asks the browser for its GPU; if there is none, says why not.
async fn adapter() -> Result<Adapter, String> {
    let get = |object: &JsValue, name: &str| {
        Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
    };
    let gpu = get(&get(&global(), "navigator"), "gpu");
    if gpu.is_falsy() {
        let secure = get(&global(), "isSecureContext").is_truthy();
        return Err(if secure {
            "This browser has no WebGPU.".to_owned()
        } else {
            "Browsers give WebGPU only to pages from https or localhost.".to_owned()
        });
    }
    let none = || "This browser knows WebGPU, but found no GPU that can be used.".to_owned();
    let ask: Function = get(&gpu, "requestAdapter").dyn_into().map_err(|_| none())?;
    let options = Object::new();
    // The same wish as the engine's, so that it is told about the adapter it will get.
    Reflect::set(&options, &"powerPreference".into(), &"high-performance".into())
        .map_err(|_| none())?;
    let promise: Promise =
        ask.call1(&gpu, &JsValue::from(options)).and_then(JsCast::dyn_into).map_err(|_| none())?;
    let adapter = JsFuture::from(promise).await.map_err(|_| none())?;
    if adapter.is_falsy() {
        return Err(none());
    }
    let info = get(&adapter, "info");
    let text = |name| get(&info, name).as_string().unwrap_or_default();
    let fields = ["description", "device", "architecture", "vendor"].map(text);
    let names = fields.join(" ").to_lowercase();
    let fallback = get(&info, "isFallbackAdapter").is_truthy()
        || get(&adapter, "isFallbackAdapter").is_truthy();
    let [description, _, architecture, vendor] = &fields;
    let name = if description.is_empty() {
        [vendor.as_str(), architecture].join(" ").trim().to_owned()
    } else {
        description.clone()
    };
    Ok(Adapter { name, software: fallback || SOFTWARE.iter().any(|known| names.contains(known)) })
}
