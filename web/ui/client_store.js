// The store of what changes outside the pages' states: live numbers, the clock, secrets shown once.
// A message from the server patches one entry, and only the components that show it render again.
(() => {
  const entries = new Map();
  const listeners = new Set();
  const notify = () => listeners.forEach((listener) => listener());
  const put = (key, value) => (entries.set(key, value), notify());
  const patch = (key, change) => put(key, { ...entries.get(key), ...change });
  // The visitor's clock may be wrong by days: times are compared by the server's clock.
  // A page from the browser's cache has an old time, and no size.
  const [loaded] = performance.getEntriesByType("navigation");
  const sent = loaded?.transferSize && loaded.serverTiming?.find(({ name }) => name === "now");
  const ahead = sent ? sent.duration - Date.now() : 0;
  const now = () => Math.floor((Date.now() + ahead) / 1000);
  const duration = (seconds) => {
    if (seconds < 3600) {
      return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    }
    const minutes = Math.ceil(seconds / 60);
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  };

  // The clock ticks every second while a countdown or a stopwatch runs, else every minute.
  const ticks = { second: now(), minute: Math.floor(now() / 60) };
  entries.set("clock", { ...ticks, until: 0, since: 0, nextAt: 0 });
  setInterval(() => {
    const { until, since, nextAt, minute, second } = entries.get("clock");
    const counting = since || Math.max(until, nextAt) >= second;
    const next = { second: now(), minute: Math.floor(now() / 60) };
    if (counting || next.minute !== minute) patch("clock", next);
  }, 1000);

  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const steps = [[60, "second"], [3600, "minute"], [86400, "hour"], [86400 * 30, "day"],
    [86400 * 365, "month"], [Infinity, "year"]];
  const sizes = { second: 1, minute: 60, hour: 3600, day: 86400, month: 86400 * 30, year: 86400 * 365 };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return "copied";
    } catch {
      return "failed";
    }
  };

  globalThis.factoids = {
    listen: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
    get: (key) => entries.get(key),
    put,
    patch,
    // Newly loaded cards replace patched values. The keys of factoids are UUIDs of 36 characters.
    dropFactoids() {
      for (const key of [...entries.keys()]) if (key.length === 36) entries.delete(key);
      notify();
    },
    rendered: () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),

    duration,
    age(at) {
      const seconds = Date.parse(at) / 1000 - now();
      const [, unit] = steps.find(([limit]) => Math.abs(seconds) < limit);
      if (unit === "second") return "just now";
      return relative.format(Math.trunc(seconds / sizes[unit]), unit);
    },
    wait: (seconds) => patch("clock", { second: now(), until: seconds ? now() + seconds : 0 }),
    started: (secondsAgo) => patch("clock", { second: now(), since: now() - secondsAgo }),
    stopped: () => patch("clock", { since: 0 }),
    left: ({ until, second } = {}) => (until > second ? duration(until - second) : ""),
    elapsed: ({ since, second } = {}) => (since ? duration(second - since) : ""),

    copy,
    async share(text, url) {
      if (!navigator.share) return copy(`${text}\n${url}`);
      try {
        await navigator.share({ text, url });
        return "shared";
      } catch (error) {
        return error.name === "AbortError" ? "shared" : copy(`${text}\n${url}`);
      }
    },
  };
})();
