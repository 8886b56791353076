// Keeps the site for visits without a network. The build puts VERSION before this, and FILES: each
// file of the page with its hash.
//
// A page is only ever given files of one version: all are fetched, and checked against their hashes,
// before this worker takes over, and a newer one waits until no page of this version is open.

const HERE = registration.scope;
const at = (path) => new URL(path, HERE).href;

// Several sites may share an origin, and with it the names of caches.
const OURS = `pellucid-page ${HERE} `;
const PAGE = OURS + VERSION;
const SEEN = `pellucid-seen ${HERE}`;

// Where parts of bundles are kept, by their hash: app/src/keeping.rs.
const PARTS = "pellucid-v1";

const KEPT = new Set(Object.keys(FILES).map(at));
const BUNDLES = at("bundles/");

addEventListener("install", (event) => {
  event.waitUntil(Promise.all([keepPage(), keepLists().catch(() => {})]));
});

async function keepPage() {
  const cache = await caches.open(PAGE);
  try {
    await Promise.all(Object.entries(FILES).map(async ([path, integrity]) => {
      const answer = await fetch(at(path), { cache: "no-cache", integrity });
      if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
      // A fresh answer: one that a host led elsewhere could not open a page. What the host says of
      // it stays, its content security policy above all, but for how it was sent.
      const headers = new Headers(answer.headers);
      for (const name of ["content-encoding", "content-length", "vary"]) headers.delete(name);
      await cache.put(at(path), new Response(answer.body, { headers }));
    }));
  } catch (error) {
    await caches.delete(PAGE);
    throw error;
  }
}

// Which bundles there are and what is in them. The page works without, so none is no failure.
async function keepLists() {
  const list = at("bundles/index.json");
  const answer = await fetch(list, { cache: "no-cache" });
  const { bundles } = await answer.clone().json();
  await keepList(list, answer);
  await Promise.allSettled(bundles.map(async ({ path }) => {
    const description = at(`bundles/${path}/bundle.json`);
    const answer = await fetch(description, { cache: "no-cache" });
    if (answer.status === 200) await keepList(description, answer);
  }));
}

addEventListener("activate", (event) => event.waitUntil(forgetEarlier()));

async function forgetEarlier() {
  const names = await caches.keys();
  const earlier = names.filter((name) => name.startsWith(OURS) && name !== PAGE);
  await Promise.all(earlier.map((name) => caches.delete(name)));
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const address = request.url.split(/[?#]/)[0];
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    if (address !== HERE && address !== at("index.html")) return;
    event.respondWith(opened(request));
    event.waitUntil(leaveIfReplaced(event.resultingClientId));
  } else if (KEPT.has(address)) {
    event.respondWith(kept(address, request));
  } else if (address === HERE) {
    event.respondWith(kept(at("index.html"), request));
  } else if (address.startsWith(BUNDLES) && request.destination === "image") {
    event.respondWith(picture(event));
  } else if (address.startsWith(BUNDLES)) {
    event.respondWith(newest(event, address));
  }
});

async function opened(request) {
  if (registration.waiting && await isOnlyWindow(request)) {
    return new Response(TURNING, { headers: { "content-type": "text/html" } });
  }
  return kept(at("index.html"), request);
}

// A page that lets the newer version take over, waits until it has, and opens anew. It has to wait:
// a worker is replaced only when nothing is asked of it any more.
const TURNING = `<!doctype html>
<meta name="color-scheme" content="light dark">
<title>Pellucid</title>
<script type="module">
  const { waiting } = await navigator.serviceWorker.getRegistration();
  const open = () => location.reload();
  if (waiting) {
    waiting.addEventListener("statechange", () => waiting.state === "activated" && open());
    waiting.postMessage("take over");
    setTimeout(open, 5000);
  } else {
    open();
  }
</script>`;

// Whether this is a reload of the only page there is, which the newer version may then replace.
// Where all are closed the browser sees to that itself.
async function isOnlyWindow({ destination, cache }) {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const ours = windows.filter((client) => client.url.startsWith(HERE));
  return destination === "document" && cache === "no-cache" && ours.length === 1;
}

// A host may have something else here by now, as a port of one's own machine has from day to day.
let leaving = false;

async function leaveIfReplaced(opening) {
  const answer = await fetch(at("service_worker.js"), { cache: "no-cache" }).catch(() => null);
  const kind = answer?.headers.get("content-type") ?? "";
  const isGone = [404, 410].includes(answer?.status) || (answer?.ok && !kind.includes("javascript"));
  if (!isGone || leaving) return;
  leaving = true;
  const names = await caches.keys();
  const ours = names.filter((name) => name.startsWith(OURS) || name === SEEN);
  await Promise.all(ours.map((name) => caches.delete(name)));
  // The page that is being opened is among them only once it is there. Last of all the worker goes:
  // without a registration it may be ended at any moment.
  await clients.get(opening);
  const windows = await clients.matchAll();
  await Promise.all(windows.map((client) => client.navigate(client.url).catch(() => {})));
  await registration.unregister();
}

async function kept(address, request) {
  return await caches.match(address, { cacheName: PAGE }) ?? fetch(request);
}

// What a bundle is may change beside the page, so the host is asked first.
async function newest(event, address) {
  let answer;
  try {
    answer = await fetch(event.request);
  } catch (error) {
    const cache = await caches.open(SEEN);
    const earlier = await cache.match(address);
    if (earlier) return earlier;
    throw error;
  }
  // All else is a bundle's part, which the engine keeps itself, by hash.
  if (answer.status === 200 && isList(address)) {
    event.waitUntil(keepList(address, answer.clone()));
  }
  return answer;
}

// A picture that the page may not show from memory, because the host's policy forbids it: it names
// the host's, and the hash under which parts are kept.
async function picture(event) {
  const hash = new URL(event.request.url).searchParams.get("sha256");
  const parts = await caches.open(PARTS);
  const earlier = await parts.match(partAt(hash));
  if (earlier) return earlier;
  const answer = await fetch(event.request);
  if (answer.status === 200) event.waitUntil(keepPart(parts, hash, answer.clone()));
  return answer;
}

const partAt = (hash) => `/pellucid-parts/${hash}`;

async function keepPart(parts, hash, answer) {
  const bytes = await answer.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found === hash) await parts.put(partAt(hash), new Response(bytes));
}

const isList = (address) => /\/(index|bundle)\.json$/.test(address);

async function keepList(address, answer) {
  const cache = await caches.open(SEEN);
  await cache.put(address, answer);
}

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});
