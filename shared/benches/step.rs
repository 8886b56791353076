//! How long a forward pass and a step uphill take: GoogLeNet, EfficientNet-Lite0 with its depthwise
//! convolutions, and a vision transformer, on one device, timed.
//!
//! ```text
//! cargo bench --workspace --bench step -- --weights googlenet.safetensors --rounds 20
//! cargo bench --package shared --features wgpu --bench step -- --wgpu
//! ```
//! Cargo runs it in the folder of the package, so a path is best absolute.
//! Without weights the network is filled with noise of the right size: the work is the same.
//! Prints one line of JSON: the GPU, samples in milliseconds, and on Linux memory in bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use shared::burn::tensor::{Device, Tensor, TensorData};
use shared::device;
use shared::models::{self, efficientnet_lite, inception};
use shared::network::{Network, Pass, Start};
use shared::visualize::score::Context;
use shared::visualize::settings::Transforms;
use shared::visualize::{Dream, Objective, Settings};
use shared::weights::{NamedTensor, NamedTensors, from_safetensors};

/// A call is repeated this often before anything is timed: caches fill, GPUs compile.
const WARM_UP: usize = 3;

/// Steps over which memory must not grow.
const MANY_STEPS: usize = 2000;

struct Arguments {
    device: Device,
    weights: Option<String>,
    rounds: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Some(arguments) = parse(std::env::args().skip(1))? else { return Ok(()) };
    let weights = match &arguments.weights {
        Some(file) => {
            let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
            from_safetensors(&bytes)?.into_iter().collect()
        }
        None => noise(inception::Variant::GoogLeNet.published_tensors()),
    };
    let network = Arc::new(models::load("googlenet", weights, &arguments.device)?);
    let adapter = adapter(&arguments.device);
    let small = adapter.as_ref().is_some_and(|(_, software)| *software);
    let (forward, step) = if small { (64, 32) } else { (224, 128) };

    let mut report = serde_json::Map::new();
    let mut note = |name: String, samples: Vec<f64>| {
        report.insert(name, samples.into());
    };
    let picture = ramp(forward, &arguments.device);
    note(format!("forward_{forward}"), time(arguments.rounds, || logits(&network, &picture))?);
    let picture = ramp(step, &arguments.device);
    note(
        format!("gradient_{step}"),
        time(arguments.rounds, || input_gradient(&network, "mixed4a", &picture))?,
    );
    let lite = noise(efficientnet_lite::Variant::Lite0.published_tensors());
    let lite = models::load("efficientnet-lite0", lite, &arguments.device)?;
    let picture = ramp(forward, &arguments.device) / 128.0;
    note(format!("lite0_forward_{forward}"), time(arguments.rounds, || logits(&lite, &picture))?);
    let picture = ramp(step, &arguments.device) / 128.0;
    note(
        format!("lite0_gradient_{step}"),
        time(arguments.rounds, || input_gradient(&lite, "block8", &picture))?,
    );
    let vit = noise(models::blueprint("vit-tiny-patch16-224")?.tensors(0));
    let vit = models::load("vit-tiny-patch16-224", vit, &arguments.device)?;
    let picture = ramp(forward, &arguments.device) / 128.0;
    note(format!("vit_forward_{forward}"), time(arguments.rounds, || logits(&vit, &picture))?);
    let picture = ramp(step, &arguments.device) / 128.0;
    note(
        format!("vit_gradient_{step}"),
        time(arguments.rounds, || input_gradient(&vit, "blocks.8", &picture))?,
    );
    let mut dream = dream(&network, forward, Transforms::STANDARD, &arguments.device)?;
    note(
        format!("dream_{forward}"),
        time(arguments.rounds, || pollster::block_on(dream.step()).map(drop))?,
    );
    if !small {
        note("resident_over_steps".to_owned(), resident_over_steps(&network, &arguments.device)?);
    }
    let name = adapter.map(|(name, _)| name);
    let report = serde_json::json!({ "adapter": name, "software": small, "samples": report });
    println!("{report}");
    Ok(())
}

/// A GPU's name, and whether it computes in software: then only small pictures are timed.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn adapter(device: &Device) -> Option<(String, bool)> {
    shared::device::identity(device)
}

/// There is only the processor.
#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn adapter(_device: &Device) -> Option<(String, bool)> {
    None
}

/// Nothing where cargo only asks whether this runs (`cargo test --benches`).
fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut parsed = Arguments { device: device::cpu(), weights: None, rounds: 20 };
    let mut timed = false;
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--bench" => timed = true,
            "--weights" => parsed.weights = Some(value()?),
            "--rounds" => {
                parsed.rounds = value()?.parse().map_err(|error| format!("--rounds: {error}"))?
            }
            #[cfg(feature = "wgpu")]
            "--wgpu" => parsed.device = device::wgpu(),
            #[cfg(feature = "cuda")]
            "--cuda" => parsed.device = device::cuda(),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(timed.then_some(parsed))
}

/// Milliseconds of each call.
fn time(rounds: usize, mut call: impl FnMut() -> shared::Result<()>) -> shared::Result<Vec<f64>> {
    let mut samples = Vec::with_capacity(rounds);
    for round in 0..WARM_UP + rounds {
        let began = Instant::now();
        call()?;
        if WARM_UP <= round {
            samples.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(samples)
}

fn logits(network: &Network, picture: &Tensor<4>) -> shared::Result<()> {
    let classes = network.info().classes()?;
    let caught = network.forward(Start::Picture(picture.clone()), &Pass::to(&[classes]))?;
    let logits = caught.grid(classes).expect("asked for");
    pollster::block_on(device::read(logits)).map(drop)
}

/// The gradient of a layer's channel 11 with respect to the picture, and no other.
fn input_gradient(network: &Network, layer: &str, picture: &Tensor<4>) -> shared::Result<()> {
    let layer = network.info().layer_id(layer)?;
    let start = Start::Picture(picture.clone());
    let (caught, pullback) = network.look(start, &Pass::to(&[layer]))?;
    let caught = caught.tracked();
    let activation = caught.grid(layer).expect("asked for");
    let gradients = caught.gradients(activation.narrow(1, 11, 1).mean());
    let gradient = pullback.pull(gradients).expect("the layer depends on the picture");
    pollster::block_on(device::read(gradient.grid)).map(drop)
}

fn dream(
    network: &Arc<Network>,
    side: usize,
    transforms: Transforms,
    device: &Device,
) -> shared::Result<Dream> {
    let objective: Objective = "mixed4a:11".parse()?;
    let settings = Settings { transforms, redirected_steps: 0, ..Settings::square(side) };
    Dream::new(network.clone(), objective, Context::default(), settings, 1, device)
}

/// Bytes of memory in use after every tenth of [`MANY_STEPS`] small steps.
fn resident_over_steps(network: &Arc<Network>, device: &Device) -> shared::Result<Vec<f64>> {
    let mut dream = dream(network, 32, Transforms::STANDARD, device)?;
    let mut resident = Vec::new();
    for step in 1..=MANY_STEPS {
        pollster::block_on(dream.step())?;
        if step % (MANY_STEPS / 10) == 0 {
            resident.extend(resident_bytes());
        }
    }
    Ok(resident)
}

/// What the kernel says this process holds in memory; nothing where it does not say.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// A picture in the network's input range: a ramp.
fn ramp(side: usize, device: &Device) -> Tensor<4> {
    let values = (0..3 * side * side).map(|index| (index % 251) as f32 - 120.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, [1, 3, side, side]), device)
}

/// Weights that keep the size of activations (He et al. 2015), from a counter.
fn noise(shapes: BTreeMap<String, Vec<usize>>) -> NamedTensors {
    let mut state = 1_u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let tensors = shapes.into_iter().map(|(name, shape)| {
        let inputs: usize = shape.iter().skip(1).product();
        let amplitude = if shape.len() == 1 { 0.1 } else { (6.0 / inputs as f32).sqrt() };
        // Batch normalisation has variances and scales about one.
        let about_one =
            name.ends_with("running_var") || name.contains("_bn") && name.ends_with("weight");
        let centre = if about_one { 1.0 } else { 0.0 };
        let values = (0..shape.iter().product()).map(|_| centre + amplitude * uniform()).collect();
        (name, NamedTensor { shape, values })
    });
    tensors.collect::<BTreeMap<_, _>>()
}
