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

const KEPT = new Set(Object.keys(FILES).map(at));
const BUNDLES = at("bundles/");

addEventListener("install", (event) => event.waitUntil(keepPage()));

async function keepPage() {
  const cache = await caches.open(PAGE);
  try {
    await Promise.all(Object.entries(FILES).map(async ([path, integrity]) => {
      const answer = await fetch(at(path), { cache: "no-cache", integrity });
      if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
      // A fresh answer: one that a host led elsewhere could not open a page.
      const headers = { "content-type": answer.headers.get("content-type") ?? "" };
      await cache.put(at(path), new Response(answer.body, { headers }));
    }));
  } catch (error) {
    await caches.delete(PAGE);
    throw error;
  }
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
    if (address === HERE || address === at("index.html")) event.respondWith(opened(request));
  } else if (KEPT.has(address)) {
    event.respondWith(kept(address, request));
  } else if (address.startsWith(BUNDLES)) {
    event.respondWith(newest(event, address));
  }
});

async function opened(request) {
  const others = await clients.matchAll();
  // The page that is being left, or reloaded, still counts.
  if (registration.waiting && others.length < 2) {
    registration.waiting.postMessage("take over");
    return new Response(null, { headers: { refresh: "0" } });
  }
  return kept(at("index.html"), request);
}

async function kept(address, request) {
  const cache = await caches.open(PAGE);
  return await cache.match(address) ?? fetch(request);
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
  // The engine keeps what it fetches itself, by hash.
  const isPicture = event.request.destination === "image";
  if (answer.status === 200 && (isPicture || isList(address))) {
    event.waitUntil(keepSeen(address, answer.clone()));
  }
  return answer;
}

const isList = (address) => /\/(index|bundle)\.json$/.test(address);

async function keepSeen(address, answer) {
  const cache = await caches.open(SEEN);
  if (address.endsWith("/bundle.json")) {
    const before = await cache.match(address);
    const now = await answer.clone().text();
    // Pictures of the earlier bundle are not those of this one.
    if (before && await before.text() !== now) {
      const folder = address.slice(0, -"bundle.json".length);
      const stale = (await cache.keys()).filter((request) => request.url.startsWith(folder));
      await Promise.all(stale.map((request) => cache.delete(request)));
    }
  }
  await cache.put(address, answer);
}

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
  // A page that was opened before there was a worker tells what it has seen.
  if (event.data?.seen) event.waitUntil(keepAll(event.data.seen));
});

async function keepAll(addresses) {
  const cache = await caches.open(SEEN);
  const inside = addresses.filter((address) => address.startsWith(BUNDLES));
  // A browser that can have forgotten a picture is not worth an error.
  await Promise.allSettled(inside.map(async (address) => {
    if (await cache.match(address)) return;
    const answer = await fetch(address, { cache: "force-cache" });
    if (answer.status === 200) await keepSeen(address, answer);
  }));
}
