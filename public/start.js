// Starts the page's program, and says why where it does not start. In a page that is a single file
// its own loader starts it, and only the saying is done here.
(() => {
  const root = document.documentElement;
  const notice = document.querySelector("#halted");
  const script = document.querySelector("link[rel=modulepreload]")?.href;
  const module = document.querySelector("link[rel=preload][as=fetch]")?.href;
  // From here on the notice shows when there is something to say, not after a while.
  root.dataset.program = "coming";

  const policy = ["It must allow at least ", "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"];
  const whole = "The host must have every file of the site as it was built.";
  const forbidden = [];
  addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
    if (blockedURI === "wasm-eval") forbidden.push("WebAssembly");
    else if (blockedURI === script || blockedURI === module) {
      forbidden.push(`${nameOf(blockedURI)} (${effectiveDirective})`);
    }
  });

  const nameOf = (address) => address.split("/").pop();

  // What keeps a file from the page; nothing if it comes as it should.
  const troubleWith = async (address, type) => {
    const name = nameOf(address);
    let answer;
    try {
      answer = await fetch(address);
    } catch (error) {
      if (self.origin === "null") {
        return [
          `The page is in a frame that is sandboxed without allow-same-origin, and the host lets no such frame have ${name}.`,
          "Give the frame allow-same-origin, or let the host send ", "Access-Control-Allow-Origin: *",
        ];
      }
      return [`${name} could not be fetched: ${error.message}.`, "Load the page again once the host can be reached."];
    }
    if (!answer.ok) return [`The host answers ${answer.status} for ${name}.`, whole];
    const sent = answer.headers.get("content-type") ?? "nothing";
    if (!sent.includes(type)) return [`The host sends ${name} as ${sent}, not as ${type}.`, whole];
  };

  const explain = async (error) => {
    // Violations of a policy are told a moment after what they caused.
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (!notice.isConnected) return;
    const trouble = forbidden.length > 0
      ? [`The content security policy of this host forbids ${forbidden.join(" and ")}.`, ...policy]
      : (script && await troubleWith(script, "javascript")) ?? (module && await troubleWith(module, "wasm"));
    const isOld = !globalThis.WebAssembly || error instanceof WebAssembly.CompileError;
    const [why, next, send = ""] = trouble ?? [
      `The browser says: ${error?.message ?? error}.`,
      isOld ? "It needs WebAssembly with SIMD: Chrome 91, Firefox 89, Safari 16.4 or newer."
        : "Load the page again; if it happens once more, report this.",
    ];
    notice.querySelector(".why").textContent = why;
    const code = Object.assign(document.createElement("code"), { textContent: send });
    notice.querySelector(".next").replaceChildren(next, code);
    root.dataset.program = "halted";
  };

  const fetched = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${nameOf(address)}: ${answer.status}`);
    return answer;
  };

  const start = async () => {
    const [program, wasm] = await Promise.all([import(script), fetched(module), pictures()]);
    await program.default({ module_or_path: wasm });
  };

  // A strict host lets the page show no picture from memory: then it names those of the host. What
  // the host says of this page lies in the browser's cache, so nothing is asked of it.
  const pictures = async () => {
    const answer = await fetch(location.href, { cache: "force-cache" }).catch(() => null);
    answer?.body?.cancel();
    const policies = (answer?.headers.get("content-security-policy") ?? "").split(",");
    const strict = policies.some((policy) => {
      const directives = policy.split(";").map((directive) => directive.trim().split(/\s+/));
      const [, ...sources] = ["img-src", "default-src"]
        .map((name) => directives.find(([found]) => found.toLowerCase() === name))
        .find(Boolean) ?? ["", "blob:"];
      return !sources.includes("blob:");
    });
    if (strict) root.dataset.pictures = "host";
  };

  if (script && module) {
    start().catch(explain);
  } else {
    addEventListener("error", ({ error }) => explain(error));
    addEventListener("unhandledrejection", ({ reason }) => explain(reason));
  }
})();
