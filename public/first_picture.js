// Before the page's program is here: what the address asks for, by its name, and its picture as it
// was made beforehand. What is fetched for that the program takes over (app/src/files/download.rs).
(() => {
  const { opens, network } = document.documentElement.dataset;
  const main = document.querySelector("#first main");
  if (!opens || !main) return;

  const asked = new URLSearchParams(location.search);
  const typed = (asked.get("objective") ?? "").trim();
  // As app/src/route.rs reads it: a network, a layer and perhaps a unit.
  const route = location.hash.startsWith("#/") ? location.hash.split("/").slice(1).filter(Boolean) : null;
  const isOfUnit = route?.length >= 3 && /^\d+$/.test(route.at(-1));
  const [, layer, channel] = route
    ? [route[0], route.slice(1, isOfUnit ? -1 : undefined).join("/"), isOfUnit ? route.at(-1) : undefined]
    : typed.match(/^([\w./-]+):(\d+)$/) ?? [];
  const isDream = !route && typed !== "";

  const named = () => {
    if (channel !== undefined) return layer === "logits" ? `class ${channel}` : `${layer} : ${channel}`;
    if (asked.get("view") === "look") return "What does it see?";
    return typed || layer || asked.get("layer") || "";
  };
  const made = (name, classes, ...children) => {
    const element = document.createElement(name);
    element.className = classes;
    element.append(...children);
    return element;
  };

  // In the same places as the program's, so that nothing jumps.
  const canvas = made("canvas", "");
  const picture = made("div", "picture empty waiting", canvas);
  const title = made("div", "title", made("h1", "", named()));
  const label = made("div", "label", made("p", "", made("b", "", named())));
  if (opens === "embed" && isDream) {
    main.append(made("div", "embed dream-in", made("div", "canvas", picture), label));
  } else if (opens === "embed") {
    const places = made("ol", "", ...Array.from({ length: 6 }, () => made("li", "", made("span", "sprite"))));
    const together = channel === undefined ? [] : [made("div", "dreamed", picture), places];
    const sheet = made("div", "sheet-of", made("div", "together", ...together));
    main.append(made("div", "embed unit", sheet, label));
  } else if (isDream) {
    main.classList.add("beside");
    main.append(made("div", "stage", made("div", "pictures", picture), made("div", "under", title)));
  } else if (channel !== undefined) {
    const dream = made("div", "unit-dream", made("div", "portrait", picture), title);
    main.append(made("div", "unit-page", dream));
  } else {
    main.append(made("div", "hall named", title));
  }

  const draw = (source, left, top, side) => {
    canvas.width = canvas.height = side;
    canvas.getContext("2d").drawImage(source, left, top, side, side, 0, 0, side, side);
    picture.classList.remove("empty", "waiting");
  };

  const coming = globalThis.pellucidComing = new Map();
  const fetched = (address, cache) => {
    const { href } = new URL(address, document.baseURI);
    const answer = fetch(href, { cache });
    const copy = answer.then((answer) => answer.clone());
    coming.set(href, answer);
    return copy;
  };
  const described = async (address) => (await fetched(address, "no-cache")).json();
  // Where the program keeps parts (app/src/files/cache.rs).
  const kept = async (sha256) => {
    const cache = await caches.open("pellucid-v1");
    return cache.match(`/pellucid-parts/${sha256}`);
  };

  const hang = async () => {
    const list = described("bundles/index.json");
    list.catch(() => {});
    const folder = `bundles/${(route?.[0] ?? asked.get("model")) || (await list).bundles[0].path}`;
    const { layers } = await described(`${folder}/bundle.json`);
    const dreams = layers.find(({ name }) => name === layer)?.dreams;
    let before = 0, index;
    for (const [from, to] of dreams?.units ?? []) {
      if (from <= channel && channel < to) index = before + Number(channel) - from;
      before += to - from;
    }
    if (index === undefined) return;
    const { side, columns, rows, sheets } = dreams.sprites;
    const { path, sha256 } = sheets[Math.floor(index / (columns * rows))];
    const earlier = await kept(sha256).catch(() => null);
    // The program may have been quicker, and asks itself.
    if (!picture.isConnected || picture.closest("#first.leaving")) return;
    const answer = earlier ?? await fetched(`${folder}/${path}`, "no-store");
    const place = index % (columns * rows);
    const bitmap = await createImageBitmap(await answer.blob());
    draw(bitmap, (place % columns) * side, Math.floor(place / columns) * side, side);
    bitmap.close();
  };

  // In a page that is a single file nothing can be fetched before its loader has run.
  if (channel === undefined || asked.get("bundle") || globalThis.pellucidViews) return;
  // The page's own picture, if it has one, is much smaller than the bundle's sheet.
  const own = document.querySelector(`#first [data-network="${network}"] [data-unit="${CSS.escape(`${layer}:${channel}`)}"] img`);
  if (own) own.loading = "eager";
  own?.decode().then(() => draw(own, 0, 0, own.naturalWidth), () => {});
  // Without it the program fetches and, if need be, says what is missing.
  hang().catch(() => {});
})();
