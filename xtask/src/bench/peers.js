// GoogLeNet in other people's libraries, in a page: what `cargo xtask bench` compares with.
// Each function takes the page's arguments and returns samples in milliseconds.

const WARM_UP = 2;

async function timed(rounds, call) {
  const samples = [];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    const began = performance.now();
    await call();
    if (WARM_UP <= round) samples.push(performance.now() - began);
  }
  return samples;
}

function ramp(side) {
  return Float32Array.from({ length: 3 * side * side }, (_, index) => (index % 251) - 120);
}

/** onnxruntime-web, on one wasm thread or on the GPU. */
export async function onnxruntime({ device, rounds, side }) {
  const began = performance.now();
  const file = device === "webgpu" ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
  const ort = await import(`/node_modules/onnxruntime-web/dist/${file}`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/node_modules/onnxruntime-web/dist/";
  const session = await ort.InferenceSession.create("/data/googlenet.onnx", {
    executionProviders: [device],
  });
  const input = new ort.Tensor("float32", ramp(side), [1, 3, side, side]);
  const forward = async () => {
    const outputs = await session.run({ input });
    await Object.values(outputs)[0].getData();
  };
  await forward();
  const first_answer = [performance.now() - began];
  const samples = { first_answer, [`forward_${side}`]: await timed(rounds, forward) };
  if (side === 224) {
    const vit = await ort.InferenceSession.create("/data/vit.onnx", { executionProviders: [device] });
    const scaled = ramp(side).map((value) => value / 128);
    const picture = new ort.Tensor("float32", scaled, [1, 3, side, side]);
    samples.vit_forward_224 = await timed(rounds, async () => {
      const outputs = await vit.run({ input: picture });
      await Object.values(outputs)[0].getData();
    });
  }
  return samples;
}

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = address;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${address} did not load`));
    document.head.append(element);
  });
}

/** TensorFlow.js, on one wasm thread or on the GPU. */
export async function tfjs({ device, rounds, side, stepSide }) {
  const began = performance.now();
  const base = "/node_modules/@tensorflow";
  await script(`${base}/tfjs/dist/tf.min.js`);
  if (device === "webgpu") {
    await script(`${base}/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js`);
  } else {
    await script(`${base}/tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);
    tf.wasm.setThreadsCount(1);
    tf.wasm.setWasmPaths(`${base}/tfjs-backend-wasm/dist/`);
  }
  await tf.setBackend(device);
  const { plan, branches, upToMixed4a, channel, tensors } = await (await fetch("/data/plan.json")).json();
  const bytes = await (await fetch("/data/weights.bin")).arrayBuffer();
  const held = {};
  for (const [name, { offset, shape }] of Object.entries(tensors)) {
    const length = shape.reduce((product, side) => product * side, 1);
    held[name] = tf.tensor(new Float32Array(bytes, offset, length), shape);
  }
  const bands = {};
  for (const channels of [64, 192]) {
    const values = new Float32Array(channels * channels);
    for (let row = 0; row < channels; row++) {
      for (let column = Math.max(0, row - 2); column < Math.min(channels, row + 3); column++) {
        values[row * channels + column] = 2e-5;
      }
    }
    bands[channels] = tf.tensor(values, [1, 1, channels, channels]);
  }

  const run = (value, [kind, ...rest], prefix = "") => {
    if (kind === "conv") {
      const [name, stride, pad] = [prefix + rest[0], rest[1], rest[2]];
      return tf.fused.conv2d({
        x: value, filter: held[`${name}.weight`], bias: held[`${name}.bias`],
        strides: stride, pad, activation: "relu", dimRoundingMode: "floor",
      });
    }
    if (kind === "pool") return tf.maxPool(value, rest[0], rest[1], "same");
    if (kind === "norm") {
      const root = tf.conv2d(tf.square(value), bands[rest[0]], 1, "valid").add(1).sqrt();
      return value.div(root.mul(root.sqrt()));
    }
    if (kind === "module") {
      const ends = branches.map((branch) =>
        branch.reduce((end, step) => run(end, step, `${rest[0]}/`), value));
      return tf.concat(ends, 3);
    }
    const mean = value.mean([1, 2]);
    return tf.matMul(mean, held[`${rest[0]}.weight`]).add(held[`${rest[0]}.bias`]);
  };
  const climb = (value, entries) => entries.reduce((end, entry) => run(end, entry), value);
  const picture = (side) => tf.tensor(ramp(side), [1, 3, side, side]).transpose([0, 2, 3, 1]);

  const input = picture(side);
  const forward = async () => {
    const logits = tf.tidy(() => climb(input, plan));
    await logits.data();
    logits.dispose();
  };
  await forward();
  const first_answer = [performance.now() - began];
  const samples = { first_answer, [`forward_${side}`]: await timed(rounds, forward) };

  const score = (value) => climb(value, plan.slice(0, upToMixed4a))
    .slice([0, 0, 0, channel], [-1, -1, -1, 1]).mean();
  const small = picture(stepSide);
  const gradient = tf.grad(score);
  samples[`gradient_${stepSide}`] = await timed(rounds, async () => {
    const pulled = tf.tidy(() => gradient(small));
    await pulled.data();
    pulled.dispose();
  });
  return samples;
}
