// What a chat needs in the browser: staying at the end only for who is there, and the box.
(() => {
  const store = globalThis.factoids;
  const box = () => document.getElementById("say");
  const gap = () => document.documentElement.scrollHeight - innerHeight - scrollY;
  const NEAR = 96;
  let stuck = true;
  let sizes;

  const away = (is) => {
    if ((store.get("talk")?.away ?? false) !== is) store.patch("talk", { away: is });
  };
  const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  addEventListener("scroll", () => {
    if (!document.getElementById("talk")) return;
    stuck = gap() < NEAR;
    away(!stuck);
  }, { passive: true });
  // Another tab may have asked something meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") document.getElementById("talk-again")?.click();
  });
  const grown = () => {
    if (stuck) toEnd();
    else away(gap() > NEAR);
  };
  const write = (text) => {
    const field = box();
    if (!field) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  };

  Object.assign(store, {
    follow() {
      sizes?.disconnect();
      const talk = document.getElementById("talk");
      if (!talk) return;
      sizes = new ResizeObserver(grown);
      sizes.observe(talk);
      stuck = true;
      toEnd();
    },
    async atLatest() {
      stuck = true;
      away(false);
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      toEnd();
    },
    said: () => write(""),
    intoBox: write,
    suggest: write,
    away: ({ away: is } = {}) => (is ? "yes" : ""),
  });
})();
