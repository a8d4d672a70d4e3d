// What changes for everybody (votes, arrivals, the clock) lives here, outside the page's state:
// one message from the server patches one card, and only that card is drawn again.
(() => {
  const seen = new Map();
  const ears = new Set();
  const arrived = new Map();
  const known = new Set();
  const before = new Map();
  const tell = () => ears.forEach((ear) => ear());
  const put = (key, value) => (seen.set(key, value), tell());
  const patch = (id, change) => put(id, { ...seen.get(id), ...change });
  const now = () => Math.floor(Date.now() / 1000);
  const lasting = (seconds) => {
    if (seconds < 3600) {
      return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    }
    const minutes = Math.ceil(seconds / 60);
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  };

  const ticks = { second: now(), minute: Math.floor(now() / 60) };
  seen.set("clock", { ...ticks, until: 0, since: 0, waits: 0 });
  setInterval(() => {
    const { until, since, waits, minute, second } = seen.get("clock");
    const busy = since || Math.max(until, waits) >= second;
    const next = { second: now(), minute: Math.floor(now() / 60) };
    if (busy || next.minute !== minute) patch("clock", next);
  }, 1000);

  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const steps = [[60, "second"], [3600, "minute"], [86400, "hour"], [86400 * 30, "day"],
    [86400 * 365, "month"], [Infinity, "year"]];
  const sizes = { second: 1, minute: 60, hour: 3600, day: 86400, month: 86400 * 30, year: 86400 * 365 };

  const counts = () => {
    const fresh = { total: 0 };
    for (const [id, category] of arrived) {
      if (known.has(id)) continue;
      fresh.total += 1;
      fresh[category] = (fresh[category] ?? 0) + 1;
    }
    put("arrived", fresh);
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return "copied";
    } catch {
      return "failed";
    }
  };

  // The reading place: the first card in sight and how far down it stands, for each address.
  const here = () => location.pathname + location.search;
  let settledAt = "";
  let wentBack = ["reload", "back_forward"].includes(
    performance.getEntriesByType?.("navigation")[0]?.type,
  );
  let wantsTop = false;
  addEventListener("popstate", () => { wentBack = true; });
  let noting = false;
  addEventListener("scroll", () => {
    if (noting) return;
    noting = true;
    setTimeout(() => {
      noting = false;
      // Before the list is there, it is the loading page that scrolls and not the reader.
      if (settledAt !== here()) return;
      for (const card of document.querySelectorAll("#facts [data-factoid]")) {
        const { top, bottom } = card.getBoundingClientRect();
        if (bottom > 80) {
          const place = { id: card.dataset.factoid, top, y: scrollY };
          try { sessionStorage.setItem(`place ${here()}`, JSON.stringify(place)); } catch { /* full */ }
          return;
        }
      }
    }, 150);
  }, { passive: true });

  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const restore = async (saved) => {
    const place = JSON.parse(saved);
    const find = () => document.querySelector(`#facts [data-factoid="${place.id}"]`);
    // The list may need more than one frame to be drawn.
    for (let tries = 0; tries < 60 && !find(); tries += 1) await frame();
    await frame();
    const card = find();
    if (card) scrollBy({ top: card.getBoundingClientRect().top - place.top, behavior: "instant" });
  };

  globalThis.factoids = {
    lasting,
    listen: (ear) => (ears.add(ear), () => ears.delete(ear)),
    get: (key) => seen.get(key),
    put,
    patch,
    tally: (id, up, down) => patch(id, { up, down }),

    // A vote shows at once; `undo` takes it back when the API refuses it.
    vote(id, mine, up, down, value) {
      before.set(id, { mine, up, down, ask: false });
      patch(id, {
        mine: value,
        up: up + (value === 1) - (mine === 1),
        down: down + (value === -1) - (mine === -1),
        ask: value !== 0,
      });
    },
    undo: (id) => before.has(id) && patch(id, before.get(id)),
    toggle: (id, name, on) => patch(id, { [name]: !on }),

    arrived: (id, category) => (arrived.set(id, category), counts()),
    know: (id) => (known.add(id), counts()),
    caughtUp: () => (arrived.clear(), counts()),

    age(at) {
      const seconds = Date.parse(at) / 1000 - now();
      const [, unit] = steps.find(([limit]) => Math.abs(seconds) < limit);
      if (unit === "second") return "just now";
      return relative.format(Math.trunc(seconds / sizes[unit]), unit);
    },
    wait: (seconds) => patch("clock", { second: now(), until: seconds ? now() + seconds : 0 }),
    started: (secondsAgo) => patch("clock", { second: now(), since: now() - secondsAgo }),
    stopped: () => patch("clock", { since: 0 }),
    left: ({ until, second } = {}) => (until > second ? lasting(until - second) : ""),
    running: ({ since, second } = {}) => (since ? lasting(second - since) : ""),

    async share(text, url) {
      if (!navigator.share) return copy(`${text}\n${url}`);
      try {
        await navigator.share({ text, url });
        return "shared";
      } catch (refused) {
        return refused.name === "AbortError" ? "shared" : copy(`${text}\n${url}`);
      }
    },
    copy,

    // Called by the server after a list was loaded: fresh numbers replace the patched ones.
    settle() {
      // The first paint has done its work; what follows it in the document comes first again.
      document.getElementById("preview")?.remove();
      for (const key of [...seen.keys()]) if (key.length === 36) seen.delete(key);
      tell();
      const field = document.getElementById("q");
      if (field && (wentBack || field !== document.activeElement)) {
        field.value = new URLSearchParams(location.search).get("q") ?? "";
      }
      const saved = sessionStorage.getItem(`place ${here()}`);
      if (saved && !wantsTop && (wentBack || settledAt === here())) restore(saved);
      else if (settledAt && settledAt !== here()) {
        const list = document.getElementById("facts");
        if (list && list.getBoundingClientRect().top < 0) list.scrollIntoView();
      }
      wentBack = wantsTop = false;
      settledAt = here();
    },
    // Called by the pill: what is new stands at the top of the list.
    toTop() {
      wantsTop = true;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      document.getElementById("facts")?.scrollIntoView({ behavior: calm ? "instant" : "smooth" });
    },
  };
})();
