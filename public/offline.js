// After the first visit the site works without a network: a service worker keeps it.
(() => {
  // A page from a disk has no use for one; neither has one that is a single file. A sandboxed frame
  // without an origin of its own may have none.
  const isSite = location.protocol.startsWith("http") && self.origin !== "null" && !globalThis.pellucidViews;
  if (!isSite || !navigator.serviceWorker) return;
  const root = document.documentElement;
  // What keeping costs comes after what the visitor came for.
  const rested = new Promise((resolve) => {
    const look = (_, observer) => {
      if (!root.dataset.ready) return;
      observer.disconnect();
      resolve();
    };
    new MutationObserver(look).observe(root, { attributes: true, attributeFilter: ["data-ready"] });
    addEventListener("load", () => setTimeout(resolve, 10_000));
  });
  rested
    .then(() => navigator.serviceWorker.register("service_worker.js"))
    // Without a worker the site works as long as its host does.
    .catch((error) => console.info("pellucid keeps nothing for later:", error.message));
})();
