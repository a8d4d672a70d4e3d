// What a chat needs in the browser: following the answer only for a reader at its end, the box with
// its draft, and the text of the answer, which arrives as patches.
(() => {
  const store = globalThis.factoids;
  const box = () => document.getElementById("say");
  // The chat scrolls within its panel beside a factoid, and with the page where it has its own.
  const pane = () => document.getElementById("talk-pane") ?? document.scrollingElement;
  const gap = () => pane().scrollHeight - pane().clientHeight - pane().scrollTop;
  const NEAR = 96;
  let following = true;
  let resizes;

  const setScrolledUp = (is) => {
    if ((store.get("chat")?.scrolledUp ?? false) !== is) store.patch("chat", { scrolledUp: is });
  };
  const scrollToEnd = () => {
    pane().scrollTo({ top: pane().scrollHeight, behavior: "instant" });
    // A panel that grows must not push the box away while somebody writes in it.
    if (document.activeElement === box()) {
      box().form.scrollIntoView({ block: "nearest", behavior: "instant" });
    }
  };
  document.addEventListener("scroll", ({ target }) => {
    if (!document.getElementById("talk")) return;
    if ((target === document ? document.scrollingElement : target) !== pane()) return;
    following = gap() < NEAR;
    setScrolledUp(!following);
  }, { capture: true, passive: true });

  const refresh = () => document.getElementById("talk-again")?.click();
  // Another tab may have sent a message meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refresh();
  });
  // What is left has changed when a wait has ended.
  let endedWait = 0;
  store.listen(() => {
    const { until, second } = store.get("clock");
    if (!until || until > second || endedWait === until) return;
    endedWait = until;
    refresh();
  });
  const resized = () => {
    // A chat that is left shrinks to nothing, too.
    if (!document.getElementById("talk")) return;
    if (following) scrollToEnd();
    else setScrolledUp(gap() > NEAR);
  };

  const setValue = (field, text) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const fillBox = (text) => {
    const field = box();
    if (!field) return;
    setValue(field, text);
    field.focus();
  };
  // A draft stays with its page in this tab: a visitor may go and pay before it is sent.
  const draftKey = () => `unsaid ${location.pathname}`;
  document.addEventListener("input", ({ target }) => {
    if (target.id !== "say") return;
    try {
      if (target.value) sessionStorage.setItem(draftKey(), target.value);
      else sessionStorage.removeItem(draftKey());
    } catch { /* without storage it lasts until the page is left */ }
  });

  let sent = "";

  Object.assign(store, {
    // The blocks of the answer from `firstBlock` on: see `Patch` in web/chat/markdown_diff.py.
    write(firstBlock, sentLength, keepFrom, keepTo, resumeAt, inserted) {
      // A patch before this one was lost; a page that reconnects gets everything anew.
      if (sentLength && sent.length !== sentLength) return;
      const before = sentLength ? sent : "";
      sent = before.slice(keepFrom, keepTo) + inserted + before.slice(resumeAt);
      const blocks = firstBlock ? store.get("answer").slice(0, firstBlock) : [];
      store.put("answer", [...blocks, ...JSON.parse(`[${sent}]`)]);
    },
    followChat() {
      resizes?.disconnect();
      const chat = document.getElementById("talk");
      if (!chat) return;
      resizes = new ResizeObserver(resized);
      resizes.observe(chat);
      following = true;
      scrollToEnd();
      // The panel was not there yet when its link was followed.
      if (location.hash === "#ask") document.getElementById("ask")?.scrollIntoView();
    },
    async scrollToLatest() {
      following = true;
      setScrolledUp(false);
      await store.rendered();
      scrollToEnd();
    },
    isScrolledUp: ({ scrolledUp } = {}) => (scrolledUp ? "yes" : ""),

    // Shows for two seconds whether a text was copied.
    async copyCode(text) {
      const outcome = await store.copy(text);
      store.put("copy", { text, label: outcome === "copied" ? "Copied" : "Not allowed to copy" });
      setTimeout(() => store.get("copy").text === text && store.put("copy", {}), 2000);
    },
    copyLabel: (copy, text) => (copy?.text === text ? copy.label : ""),

    fillBox,
    clearBox: () => fillBox(""),
    restoreDraft() {
      try {
        const text = sessionStorage.getItem(draftKey());
        if (text && box() && !box().value) setValue(box(), text);
      } catch { /* without storage there is nothing */ }
    },
  });
})();
