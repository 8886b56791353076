// Gives every file inside this page an address, then starts the page with them.

const bytesOf = (text) => Uint8Array.fromBase64
  ? Uint8Array.fromBase64(text)
  : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const KINDS = { js: "text/javascript", wasm: "application/wasm", json: "application/json",
  svg: "image/svg+xml", jpg: "image/jpeg", png: "image/png", webp: "image/webp" };

const unpacked = async (element) => {
  const type = KINDS[element.dataset.inside.split(".").pop()] ?? "application/octet-stream";
  const bytes = bytesOf(element.textContent);
  // Its text is a third longer than the file: it must not stay.
  element.remove();
  if (element.dataset.gzip === undefined) return new Blob([bytes], { type });
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Blob([await new Response(plain).arrayBuffer()], { type });
};

// Where the programs believe their files to be, and the files.
const base = document.baseURI.split(/[?#]/)[0];
const at = (path) => new URL(path, base).href;
const files = new Map();
for (const element of document.querySelectorAll("script[data-inside]")) {
  files.set(at(element.dataset.inside), await unpacked(element));
}

// The same in the window and in the worker: what is asked for at a file's address is the file.
const answer = (files, base) => {
  const beyond = globalThis.fetch;
  globalThis.fetch = async (what, ...rest) => {
    const address = new URL(what?.url ?? what, base).href.split(/[?#]/)[0];
    const file = files.get(address);
    if (!file) return beyond.call(globalThis, what, ...rest);
    return new Response(file, {
      headers: { "content-type": file.type, "content-length": file.size },
    });
  };
};
answer(files, base);

// From a disk browsers start no module as a worker, and let a worker fetch nothing, not even what
// the window has made an address for. So the engine is started by a plain script that is handed
// the files themselves, and its own module as an address that holds it.
const addressHolding = (file) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.readAsDataURL(file);
});
const engine = `addEventListener("message", async ({ data: { files, base, wasm } }) => {
  (${answer})(files, base);
  const { default: start } = await import(${JSON.stringify(await addressHolding(files.get(at("worker.js"))))});
  await start({ module_or_path: await files.get(wasm).arrayBuffer() });
}, { once: true });`;
const engineAddress = URL.createObjectURL(new Blob([engine], { type: "text/javascript" }));
globalThis.Worker = class extends Worker {
  constructor(address, ...rest) {
    const isEngine = at(address) === at("worker_loader.js");
    super(...(isEngine ? [engineAddress, { name: rest[0]?.name }] : [address, ...rest]));
    if (isEngine) this.postMessage({ files, base, wasm: at("worker_bg.wasm") });
  }
};

const addresses = Object.fromEntries(
  [...files].map(([address, file]) => [address, URL.createObjectURL(file)]));
globalThis.pellucidFiles = addresses;
for (const element of document.querySelectorAll("[data-inside-src]")) {
  element.src = addresses[at(element.dataset.insideSrc)];
}
for (const element of document.querySelectorAll("[data-inside-href]")) {
  element.href = addresses[at(element.dataset.insideHref)];
}

const { default: start } = await import(addresses[at(SCRIPT)]);
await start({ module_or_path: await files.get(at(MODULE)).arrayBuffer() });
