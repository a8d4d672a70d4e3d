// The reading place: the first card in sight and how far down it is, for each address. It is found
// again after a reload and after going back, however the list has changed.
(() => {
  const store = globalThis.factoids;
  const here = () => location.pathname + location.search;
  const key = () => `place ${here()}`;
  let settledAt = "";
  let wentBack = ["reload", "back_forward"].includes(
    performance.getEntriesByType?.("navigation")[0]?.type,
  );
  let wantsTop = false;
  addEventListener("popstate", () => { wentBack = true; });

  let saving = false;
  addEventListener("scroll", () => {
    if (saving) return;
    saving = true;
    setTimeout(() => {
      saving = false;
      // Before the list is there, the loading page scrolls and not the reader.
      if (settledAt !== here()) return;
      for (const card of document.querySelectorAll("#facts [data-factoid]")) {
        const { top, bottom } = card.getBoundingClientRect();
        if (bottom > 80) {
          const place = { id: card.dataset.factoid, top, y: scrollY };
          try { sessionStorage.setItem(key(), JSON.stringify(place)); } catch { /* full */ }
          return;
        }
      }
    }, 150);
  }, { passive: true });

  const restore = async (saved) => {
    const place = JSON.parse(saved);
    const find = () => document.querySelector(`#facts [data-factoid="${place.id}"]`);
    // The list may need more than one frame to be rendered.
    for (let tries = 0; tries < 60 && !find(); tries += 1) await store.rendered();
    await store.rendered();
    const card = find();
    if (card) scrollBy({ top: card.getBoundingClientRect().top - place.top, behavior: "instant" });
  };

  Object.assign(store, {
    // Called by the server after a list was loaded: fresh numbers replace the patched ones.
    listLoaded() {
      // The first paint has done its work; what follows it in the document comes first again.
      document.getElementById("preview")?.remove();
      store.dropFactoids();
      const field = document.getElementById("q");
      if (field && (wentBack || field !== document.activeElement)) {
        field.value = new URLSearchParams(location.search).get("q") ?? "";
      }
      const saved = sessionStorage.getItem(key());
      if (saved && !wantsTop && (wentBack || settledAt === here())) restore(saved);
      else if (settledAt && settledAt !== here()) {
        const list = document.getElementById("facts");
        if (list && list.getBoundingClientRect().top < 0) list.scrollIntoView();
      }
      wentBack = wantsTop = false;
      settledAt = here();
    },
    // Called by the link to new facts, which are at the top of the list.
    scrollToTop() {
      wantsTop = true;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      document.getElementById("facts")?.scrollIntoView({ behavior: calm ? "instant" : "smooth" });
    },
  });
})();
