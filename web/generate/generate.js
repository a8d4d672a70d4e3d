// The generate form in the browser: the countdown of the allowance, and the captcha. The countdown
// needs no request; the allowance is read again once, at its end.
(() => {
  const store = globalThis.factoids;
  const now = () => Math.floor(Date.now() / 1000);
  const get = (key) => store.get(key) ?? {};

  const nextAt = ({ windows = [], budget = 0 }) =>
    Math.max(budget, ...windows.map((span) => (span.left ? 0 : span.until)));

  const refresh = () => document.getElementById("refresh-allowance")?.click();
  let changesAt = 0;
  setInterval(() => {
    if (!changesAt || now() < changesAt) return;
    changesAt = 0;
    refresh();
  }, 1000);
  // Another tab may have used some of it meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && store.get("allowance")) refresh();
  });

  // The vendor's script is loaded only when the API requires a captcha.
  const VENDORS = {
    turnstile: ["https://challenges.cloudflare.com/turnstile/v0/api.js", "turnstile"],
    hcaptcha: ["https://js.hcaptcha.com/1/api.js", "hcaptcha"],
  };
  const loading = {};
  const load = (provider) => {
    const [address, name] = VENDORS[provider];
    loading[provider] ??= new Promise((done, failed) => {
      const ready = `captcha_${provider}`;
      globalThis[ready] = () => done(globalThis[name]);
      const script = document.createElement("script");
      script.src = `${address}?render=explicit&onload=${ready}`;
      script.async = true;
      script.onerror = () => (script.remove(), delete loading[provider], failed());
      document.head.append(script);
    });
    return loading[provider];
  };
  const setToken = (token, state = "") => store.patch("captcha", { token, state });
  // A token is good for one press. React's handler has read it when this one is called.
  document.addEventListener("submit", () => {
    if (get("captcha").state === "done") store.patch("captcha", { state: "used" });
  });
  let shown = { provider: "", id: undefined };
  const show = async ({ provider, site_key }) => {
    const vendor = await load(provider);
    const box = document.getElementById("captcha-box");
    if (!box) return;
    if (box.childElementCount) {
      vendor.reset(shown.id);
      return;
    }
    const dark = document.documentElement.classList.contains("dark");
    shown = { provider, id: vendor.render(box, {
      sitekey: site_key,
      action: "generate",
      theme: dark ? "dark" : "light",
      callback: (token) => setToken(token, "done"),
      "expired-callback": () => setToken("", "expired"),
      "error-callback": () => setToken("", "failed"),
    }) };
  };

  Object.assign(store, {
    // `until` is the time of a window's next reset in seconds, on this browser's clock.
    setAllowance({ windows: limits, budget_s }) {
      const at = now();
      const windows = limits.map((span) => ({ ...span, until: span.reset_s ? at + span.reset_s : 0 }));
      const budget = budget_s ? at + budget_s : 0;
      const coming = [budget, ...windows.map((span) => span.until)].filter((until) => until > at);
      changesAt = coming.length ? Math.min(...coming) : 0;
      const allowance = { windows, budget };
      store.patch("allowance", allowance);
      store.patch("clock", { second: at, nextAt: nextAt(allowance) });
    },
    nextIn: (allowance = {}, clock = {}) =>
      nextAt(allowance) > clock.second ? store.duration(nextAt(allowance) - clock.second) : "",
    remaining: ({ windows = [] } = {}, { second } = {}) =>
      windows
        .map(({ left, until, span }) =>
          left || until <= second
            ? `${left} ${span}`
            : `0 ${span} (more in ${store.duration(until - second)})`)
        .join(", "),

    // Submits the form again, with a credit. The field is reset at once, because a submission by
    // Enter must never spend a credit; the handlers of `submit` have read it by then.
    submitWithCredit() {
      const form = document.getElementById("generate-form");
      if (form) {
        form.elements.pay_with.value = "credit";
        form.requestSubmit();
        form.elements.pay_with.value = "";
      }
      // The pressed button disappears with the refusal, so the focus needs another place.
      document.getElementById("maker")?.focus({ preventScroll: true });
    },
    formValues: () => ({
      topic: document.getElementById("topic")?.value ?? "",
      model: document.getElementById("model")?.value ?? "",
    }),
    // The request for a stored factoid: the topic, and the factoids to exclude.
    vaultRequest: () => ({
      topic: document.getElementById("topic")?.value ?? "",
      seen: [...document.querySelectorAll("[data-factoid]")].map((card) => card.dataset.factoid),
    }),

    showCaptcha(required) {
      if (!required) {
        if (get("captcha").provider) store.patch("captcha", { provider: "", token: "", state: "" });
        return;
      }
      // What the visitor has just solved is asked for again only once it was used.
      const { provider, state } = get("captcha");
      if (state === "done" && provider === required.provider) return;
      store.patch("captcha", { ...required, token: "", state: "open" });
      show(required).catch(() => setToken("", "missing"));
    },
    retryCaptcha() {
      const { provider, site_key } = get("captcha");
      store.showCaptcha({ provider, site_key });
    },
  });
})();
