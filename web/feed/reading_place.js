// The reading place: the first visible card and its distance from the top, for each address. It is
// restored after a reload and after going back, even if the list has changed.
(() => {
  const store = globalThis.factoids;
  const here = () => location.pathname + location.search;
  const key = () => `place ${here()}`;
  let settledAt = "";
  let wentBack = ["reload", "back_forward"].includes(
    performance.getEntriesByType?.("navigation")[0]?.type,
  );
  let scrollsToTop = false;
  addEventListener("popstate", () => { wentBack = true; });

  let saving = false;
  addEventListener("scroll", () => {
    if (saving) return;
    saving = true;
    setTimeout(() => {
      saving = false;
      // Until the list is loaded, scrolling comes from the loading page and not from the reader.
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
      // The page itself replaces the prerendered preview.
      document.getElementById("preview")?.remove();
      store.dropFactoids();
      const field = document.getElementById("q");
      if (field && (wentBack || field !== document.activeElement)) {
        field.value = new URLSearchParams(location.search).get("q") ?? "";
      }
      const saved = sessionStorage.getItem(key());
      if (saved && !scrollsToTop && (wentBack || settledAt === here())) restore(saved);
      else if (settledAt && settledAt !== here()) {
        const list = document.getElementById("facts");
        if (list && list.getBoundingClientRect().top < 0) list.scrollIntoView();
      }
      wentBack = scrollsToTop = false;
      settledAt = here();
    },
    // Called by the link to new facts, which are at the top of the list.
    scrollToTop() {
      scrollsToTop = true;
      const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
      document.getElementById("facts")?.scrollIntoView({ behavior: reducedMotion ? "instant" : "smooth" });
    },
  });
})();
