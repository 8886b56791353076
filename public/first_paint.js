// Before the first paint: the colours chosen here earlier, and no wall where the address asks for something else.
(() => {
  const asked = new URLSearchParams(location.search), root = document.documentElement;
  let theme = asked.get("theme");
  try { theme ||= localStorage.getItem("pellucid.theme"); } catch {}
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  if (asked.get("embed") === "1") {
    root.dataset.opens = "embed";
  }
  else if (asked.get("objective") || asked.get("view") || asked.get("layer") || asked.get("model") || asked.get("bundle") || location.hash.startsWith("#/")) root.dataset.opens = "other";
  // Another network than the one named below.
  if (asked.get("bundle") || (asked.get("model") ?? "googlenet") !== "googlenet" || !/^(#\/googlenet\b.*)?$/.test(location.hash)) root.dataset.network = "other";
  // A picture that is not there leaves no gap.
  addEventListener("error", (event) => event.target.closest?.("#first .hung")?.remove(), true);
})();
