// The chat in the browser: scrolling with the answer while the reader is at its end, the drafts of
// messages, and the text of the answer, which arrives as patches.
(() => {
  const store = globalThis.factoids;
  const box = () => document.getElementById("say");
  // On a factoid's page the chat scrolls within its panel, on its own page with the document.
  const pane = () => document.getElementById("talk-pane") ?? document.scrollingElement;
  const gap = () => pane().scrollHeight - pane().clientHeight - pane().scrollTop;
  const NEAR = 96;
  let following = true;
  let resizes;

  const setScrolledUp = (scrolledUp) => {
    if ((store.get("chat")?.scrolledUp ?? false) !== scrolledUp) store.patch("chat", { scrolledUp });
  };
  const scrollToEnd = () => {
    pane().scrollTo({ top: pane().scrollHeight, behavior: "instant" });
    // A growing panel must not push the box out of view while the visitor writes in it.
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

  const refresh = () => document.getElementById("refresh-chat")?.click();
  // Another tab may have sent a message meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") refresh();
  });
  // At the end of a wait the messages left have changed.
  let endedWait = 0;
  store.listen(() => {
    const { until, second } = store.get("clock");
    if (!until || until > second || endedWait === until) return;
    endedWait = until;
    refresh();
  });
  const resized = () => {
    // A chat that is being removed from the page is resized, too.
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
  // A draft is kept for its page in this tab: a visitor may leave to pay before sending it.
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
      // An earlier patch was lost; after reconnecting, the page receives the whole answer.
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
      // The panel did not exist yet when the link to it was followed.
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
