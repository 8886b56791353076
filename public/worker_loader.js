// Starts the engine in its worker, and says how much of its program has come.

import init from "./worker.js";

const PROGRAM = "worker_bg.wasm";
const at = (path) => new URL(path, import.meta.url);

// As the window reads what the engine says (app/src/transport.rs, protocol.rs).
const say = (message) => postMessage([JSON.stringify(message)]);

// Milliseconds between two reports.
const PACE = 100;

async function count(answer) {
  // The header counts compressed bytes, so it says nothing of a compressed answer.
  const plain = !answer.headers.has("content-encoding") && answer.headers.get("content-length");
  const total = plain ? Number(plain) : await listed();
  let done = 0, said = -PACE;
  const report = () => {
    said = performance.now();
    say({ Loading: { done, total } });
  };
  report();
  for (const reader = answer.body.getReader(); ;) {
    const { done: ended, value } = await reader.read();
    if (ended) return;
    done += value.length;
    if (PACE <= performance.now() - said) report();
  }
}

// How long the program is, as the list of the page's files says.
async function listed() {
  const { files } = await (await fetch(at("site.json"))).json();
  return files.find(({ path }) => path === PROGRAM).size;
}

try {
  // Where the browser chooses, what is to be seen comes first.
  const answer = await fetch(at(PROGRAM), { priority: "low" });
  if (!answer.ok) throw new Error(`${PROGRAM}: the server answered ${answer.status}`);
  // Counted beside it: compiled as it comes and kept compiled is only what comes from the network.
  count(answer.clone()).catch(() => {});
  await init({ module_or_path: answer });
} catch (error) {
  say({ Crashed: `${error?.message ?? error}` });
}
