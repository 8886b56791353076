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

// Where the page believes its files to be.
const base = document.baseURI.split(/[?#]/)[0];
const at = (path) => new URL(path, base).href;

const blobs = new Map();
for (const element of document.querySelectorAll("script[data-inside]")) {
  blobs.set(element.dataset.inside, await unpacked(element));
}
const files = Object.fromEntries(
  [...blobs].map(([path, blob]) => [at(path), URL.createObjectURL(blob)]));

// The same in the window and in the worker: what is asked for at a file's address is the file.
const answer = (files, base) => {
  const beyond = globalThis.fetch;
  globalThis.pellucidFiles = files;
  globalThis.fetch = (what, ...rest) => {
    const address = new URL(what?.url ?? what, base).href.split(/[?#]/)[0];
    return beyond.call(globalThis, files[address] ?? what, ...rest);
  };
};
answer(files, base);

// The engine's own loader would import beside itself, and beside a blob there is nothing.
const engine = `(${answer})(${JSON.stringify(files)}, ${JSON.stringify(base)});
  const [{ default: start }, wasm] = await Promise.all([
    import(${JSON.stringify(files[at("worker.js")])}),
    fetch(${JSON.stringify(at("worker_bg.wasm"))}).then((answer) => answer.arrayBuffer()),
  ]);
  await start({ module_or_path: wasm });`;
files[at("worker_loader.js")] =
  URL.createObjectURL(new Blob([engine], { type: "text/javascript" }));

for (const element of document.querySelectorAll("[data-inside-src]")) {
  element.src = files[at(element.dataset.insideSrc)];
}
for (const element of document.querySelectorAll("[data-inside-href]")) {
  element.href = files[at(element.dataset.insideHref)];
}

const { default: start } = await import(files[at(SCRIPT)]);
await start({ module_or_path: await blobs.get(MODULE).arrayBuffer() });
blobs.clear();
