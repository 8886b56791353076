// The page's own engine, asked through its own messages (app::protocol), timed.

/** Starts the worker of the site at this address; requests are promises of their events. */
function engine(site) {
  const worker = new Worker(new URL("worker_loader.js", site), { type: "module" });
  const waiting = new Map();
  let next = 0;
  let ready;
  const started = new Promise((resolve) => { ready = resolve; });
  worker.onmessage = ({ data: [text] }) => {
    const message = JSON.parse(text);
    if (message === "Ready") return ready();
    if (message.Loading) return;
    const { id, event } = message.Reply ?? { event: { Failed: message } };
    const { events, arrive, resolve, reject } = waiting.get(id) ?? {};
    if (event === "Done") resolve(events);
    else if (event === "Cancelled" || event.Failed) reject(new Error(JSON.stringify(event)));
    else { events.push(event); arrive?.(event); }
  };
  const ask = async (ask, buffers = [], arrive) => {
    await started;
    const id = next++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { events: [], arrive, resolve, reject });
      worker.postMessage([JSON.stringify({ Request: { id, ask } }), ...buffers], buffers);
    });
  };
  return { ask, stop: () => worker.terminate() };
}

/** A picture of `side` x `side` RGBA bytes: a ramp. */
function ramp(side) {
  return Uint8Array.from({ length: 4 * side * side }, (_, index) => index % 251).buffer;
}

/** Milliseconds between the steps of a dream, the first `warmUp` left out. */
async function stepTimes(ask, { side, rounds, objective, settings, warmUp = 2 }) {
  const times = [];
  const dream = {
    objective, seed: 1, steps: warmUp + rounds, paused: false,
    settings: { ...settings, width: side, height: side },
  };
  // Without a word that its picture was seen, the engine sends none but the first and the last.
  await ask({ Dream: dream }, [], (event) => { if (event.Stepped) times.push(performance.now()); });
  const gaps = times.slice(1).map((time, index) => time - times[index]);
  return gaps.slice(warmUp - 1, -1);
}

export async function pellucid({
  site, vit, device, hardware, rounds, side, stepSide, dreamSide,
}) {
  const began = performance.now();
  const { ask, stop } = engine(site);
  const load = (name, folder = new URL(`bundles/${name}/`, site)) =>
    ask({ LoadModel: { bundle_url: new URL("bundle.json", folder).href } });
  const [opened] = await ask({ OpenDevice: device === "webgpu" ? "WebGpu" : "Cpu" });
  // A software GPU would take hours over what hardware does in a minute.
  if (hardware && opened.DeviceReport.software) {
    throw new Error("Chromium finds no GPU in hardware, or does not use it");
  }
  await load("googlenet");
  const look = async () => {
    const events = await ask(
      { Classify: { picture: { width: side, height: side }, layer: "logits", channels: 0 } },
      [ramp(side)],
    );
    return events.find((event) => event.Classified).Classified.milliseconds;
  };
  await look();
  const first_answer = [performance.now() - began];
  const looks = async () => {
    const times = [];
    for (let round = 0; round < rounds; round++) times.push(await look());
    return times;
  };
  const plain = {
    parameterization: "pixel", decorrelate: false, redirected_steps: 0,
    transforms: { pad: false, jitter: false, scale: false, rotate: false },
  };
  const gradients = (objective) =>
    stepTimes(ask, { side: stepSide, rounds, objective, settings: plain });
  const objective = "mixed4a:11";
  const samples = {
    first_answer,
    [`forward_${side}`]: await looks(),
    [`gradient_${stepSide}`]: await gradients(objective),
  };
  if (dreamSide) {
    const settings = { redirected_steps: 0 };
    samples[`dream_${dreamSide}`] =
      await stepTimes(ask, { side: dreamSide, rounds, objective, settings });
  }
  await load("efficientnet-lite0");
  await look();
  samples[`lite0_forward_${side}`] = await looks();
  samples[`lite0_gradient_${stepSide}`] = await gradients("block8:11");
  if (vit) {
    await load("vit-tiny-patch16-224", vit);
    await look();
    samples[`vit_forward_${side}`] = await looks();
    samples[`vit_gradient_${stepSide}`] = await gradients("blocks.8:11");
  }
  stop();
  return { samples, adapter: opened.DeviceReport.adapter, software: opened.DeviceReport.software };
}
