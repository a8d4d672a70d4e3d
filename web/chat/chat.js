// What a chat needs in the browser: staying at the end only for who is there, and the box.
(() => {
  const store = globalThis.factoids;
  const box = () => document.getElementById("say");
  // The talk scrolls within its panel beside a factoid, and with the page where it has its own.
  const pane = () => document.getElementById("talk-pane") ?? document.scrollingElement;
  const gap = () => pane().scrollHeight - pane().clientHeight - pane().scrollTop;
  const NEAR = 96;
  let stuck = true;
  let sizes;

  const away = (is) => {
    if ((store.get("talk")?.away ?? false) !== is) store.patch("talk", { away: is });
  };
  const toEnd = () => {
    pane().scrollTo({ top: pane().scrollHeight, behavior: "instant" });
    // A panel that grows must not push the box away from who writes in it.
    if (document.activeElement === box()) {
      box().form.scrollIntoView({ block: "nearest", behavior: "instant" });
    }
  };
  document.addEventListener("scroll", ({ target }) => {
    if (!document.getElementById("talk")) return;
    if ((target === document ? document.scrollingElement : target) !== pane()) return;
    stuck = gap() < NEAR;
    away(!stuck);
  }, { capture: true, passive: true });
  const lookAgain = () => document.getElementById("talk-again")?.click();
  // Another tab may have asked something meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") lookAgain();
  });
  // What is left has changed when somebody need not wait any longer.
  let waited = 0;
  store.listen(() => {
    const { until, second } = store.get("clock");
    if (!until || until > second || waited === until) return;
    waited = until;
    lookAgain();
  });
  const grown = () => {
    // A talk that is left shrinks to nothing, too.
    if (!document.getElementById("talk")) return;
    if (stuck) toEnd();
    else away(gap() > NEAR);
  };
  const put = (field, text) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const write = (text) => {
    const field = box();
    if (!field) return;
    put(field, text);
    field.focus();
  };

  // What is not said yet stays with its page in this tab: who is refused may go and pay meanwhile.
  const unsaid = () => `unsaid ${location.pathname}`;
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "say") return;
    try {
      if (target.value) sessionStorage.setItem(unsaid(), target.value);
      else sessionStorage.removeItem(unsaid());
    } catch { /* without storage it lasts until the page is left */ }
  });

  let written = "";

  Object.assign(store, {
    // The parts of the answer being written, from the `first` on that change: see web/chat/markdown_diff.py.
    write(first, length, start, stop, again, added) {
      // A message before this one was lost; whoever comes back is told everything anew.
      if (length && written.length !== length) return;
      const before = length ? written : "";
      written = before.slice(start, stop) + added + before.slice(again);
      const parts = first ? store.get("answer").slice(0, first) : [];
      store.put("answer", [...parts, ...JSON.parse(`[${written}]`)]);
    },
    follow() {
      sizes?.disconnect();
      const talk = document.getElementById("talk");
      if (!talk) return;
      sizes = new ResizeObserver(grown);
      sizes.observe(talk);
      stuck = true;
      toEnd();
      // The panel was not there yet when its link was followed.
      if (location.hash === "#ask") document.getElementById("ask")?.scrollIntoView();
    },
    async atLatest() {
      stuck = true;
      away(false);
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      toEnd();
    },
    // Says of a text for two seconds whether it was copied; `copied` is what is said.
    async copyHere(text) {
      const how = await store.copy(text);
      store.put("copy", { text, said: how === "copied" ? "Copied" : "Not allowed to copy" });
      setTimeout(() => store.get("copy").text === text && store.put("copy", {}), 2000);
    },
    copied: (copy, text) => (copy?.text === text ? copy.said : ""),
    said: () => write(""),
    unsaid() {
      try {
        const text = sessionStorage.getItem(unsaid());
        if (text && box() && !box().value) put(box(), text);
      } catch { /* without storage there is nothing */ }
    },
    intoBox: write,
    suggest: write,
    away: ({ away: is } = {}) => (is ? "yes" : ""),
  });
})();
