// What asking for a factoid needs in the browser: how much is left until when, one key for each
// press, and the proof of being human. Counting down asks nobody; only when the time has come is
// the server asked what there is now, once.
(() => {
  const store = globalThis.factoids;
  const now = () => Math.floor(Date.now() / 1000);
  const get = (key) => store.get(key) ?? {};

  const until = ({ windows = [], budget = 0 }) =>
    Math.max(budget, ...windows.map((one) => (one.left ? 0 : one.until)));

  const lookAgain = () => document.getElementById("look-again")?.click();
  let changesAt = 0;
  setInterval(() => {
    if (!changesAt || now() < changesAt) return;
    changesAt = 0;
    lookAgain();
  }, 1000);
  // Another tab may have asked for something meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && store.get("allowance")) lookAgain();
  });

  // A press of the button has a name until it was answered: the same wish sent again, by a second
  // click or after the answer was lost, is the same press.
  const PRESS = "press";
  const forget = () => sessionStorage.removeItem(PRESS);
  const named = (wish) => {
    const last = JSON.parse(sessionStorage.getItem(PRESS) ?? "{}");
    if (last.wish === wish) return last.name;
    const name = [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    sessionStorage.setItem(PRESS, JSON.stringify({ name, wish }));
    return name;
  };
  let paying = "";
  document.addEventListener("submit", ({ target }) => {
    const { press: field, pay_with } = target.elements;
    if (!field) return;
    if (pay_with) pay_with.value = paying;
    field.value = "";
    try {
      field.value = named(JSON.stringify([...new FormData(target)]));
    } catch { /* without storage the server names the press */ }
  }, true);

  // The vendor's script is loaded when the API asks for a proof, and not before.
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
  const proven = (token, state = "") => store.patch("captcha", { token, state });
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
      callback: (token) => proven(token, "done"),
      "expired-callback": () => proven("", "expired"),
      "error-callback": () => proven("", "failed"),
    }) };
  };

  Object.assign(store, {
    // What the API says is left: `until` is when there is one more, on this browser's clock.
    allow({ windows, budget_s }) {
      const at = now();
      const given = windows.map((one) => ({ ...one, until: one.reset_s ? at + one.reset_s : 0 }));
      const budget = budget_s ? at + budget_s : 0;
      const coming = [budget, ...given.map((one) => one.until)].filter((one) => one > at);
      changesAt = coming.length ? Math.min(...coming) : 0;
      const allowance = { windows: given, budget };
      store.patch("allowance", allowance);
      store.patch("clock", { second: at, waits: until(allowance) });
    },
    again: (allowance = {}, clock = {}) =>
      until(allowance) > clock.second ? store.lasting(until(allowance) - clock.second) : "",
    remaining: ({ windows = [] } = {}, { second } = {}) =>
      windows
        .map((one) =>
          one.left || one.until <= second
            ? `${one.left} ${one.span}`
            : `0 ${one.span} (more in ${store.lasting(one.until - second)})`)
        .join(", "),
    answered: forget,
    // The same form once more, with a credit; pressing Enter in it never spends one.
    askWithCredit() {
      paying = "credit";
      document.getElementById("generate-form")?.requestSubmit();
      paying = "";
      // The button that was pressed goes away with the refusal it stood in.
      document.getElementById("maker")?.focus({ preventScroll: true });
    },
    // What is in the form of who presses too early.
    wished: () => ({
      topic: document.getElementById("topic")?.value ?? "",
      model: document.getElementById("model")?.value ?? "",
    }),

    captcha(wanted) {
      const known = get("captcha");
      if (!wanted) {
        if (known.provider) store.patch("captcha", { provider: "", token: "", state: "" });
        return;
      }
      store.patch("captcha", { ...wanted, token: "", state: "open" });
      show(wanted).catch(() => proven("", "missing"));
    },
    captchaAgain() {
      const { provider, site_key } = get("captcha");
      store.captcha({ provider, site_key });
    },

    // What a wish for a stored fact needs to know: the topic, and what is on the screen.
    sought: () => ({
      topic: document.getElementById("topic")?.value ?? "",
      seen: [...document.querySelectorAll("[data-factoid]")].map((one) => one.dataset.factoid),
    }),

    // A key's secret is shown once and lives here alone; it is gone with the page.
    async newKey(key) {
      forget();
      store.patch("new-key", { token: "", ...key });
      const name = document.getElementById("key-name");
      if (name) name.value = "";
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      document.getElementById("new-key")?.focus();
    },
    curl({ token, asks } = {}) {
      const call = asks
        ? `curl -X POST ${location.origin}/api/factoids/generate \\\n`
          + `  -H "Authorization: Bearer ${token}" \\\n`
          + `  -H "Content-Type: application/json" -d '{"topic": "owls"}'`
        : `curl ${location.origin}/api/factoids/random \\\n`
          + `  -H "Authorization: Bearer ${token}"`;
      return token ? call : "";
    },
    forgetKey: () => store.patch("new-key", { token: "" }),
  });
})();
