// Before the first paint: the colours chosen here earlier, and no wall where the address asks for something else.
(() => {
  const asked = new URLSearchParams(location.search), root = document.documentElement;
  let theme = asked.get("theme");
  try { theme ||= localStorage.getItem("pellucid.theme"); } catch {}
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  // The network whose hall is shown, if one of those in the page is asked for.
  const named = asked.get("model") || location.hash.match(/^#\/([^/]+)/)?.[1] || "googlenet";
  const hangs = !asked.get("bundle") && ["googlenet", "efficientnet-lite0"].includes(named);
  root.dataset.network = hangs ? named : "other";
  if (asked.get("embed") === "1") {
    root.dataset.opens = "embed";
  }
  else if (!hangs || asked.get("objective") || asked.get("view") || asked.get("layer") || location.hash.startsWith("#/")) root.dataset.opens = "other";
  // A picture that is not there leaves no gap.
  addEventListener("error", (event) => event.target.closest?.("#first .hung")?.remove(), true);
})();
