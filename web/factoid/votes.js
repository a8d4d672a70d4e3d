// Votes that show at once, live tallies, and newly arrived factoids.
(() => {
  const store = globalThis.factoids;
  const before = new Map();
  const arrivals = new Map();
  const own = new Set();

  const count = () => {
    const counts = { total: 0 };
    for (const [id, category] of arrivals) {
      if (own.has(id)) continue;
      counts.total += 1;
      counts[category] = (counts[category] ?? 0) + 1;
    }
    store.put("arrivals", counts);
  };

  Object.assign(store, {
    setTally: (id, up, down) => store.patch(id, { up, down }),
    // A vote shows at once; `undoVote` reverts it when the API refuses it.
    vote(id, mine, up, down, value) {
      before.set(id, { mine, up, down, ask: false });
      store.patch(id, {
        mine: value,
        up: up + (value === 1) - (mine === 1),
        down: down + (value === -1) - (mine === -1),
        ask: value !== 0,
      });
    },
    undoVote: (id) => before.has(id) && store.patch(id, before.get(id)),
    toggle: (id, name, on) => store.patch(id, { [name]: !on }),

    addArrival: (id, category) => (arrivals.set(id, category), count()),
    // A visitor's own new factoid does not count as an arrival.
    ownArrival: (id) => (own.add(id), count()),
    clearArrivals: () => (arrivals.clear(), count()),
  });
})();
