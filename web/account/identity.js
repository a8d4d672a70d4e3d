// Who this browser is, where the answer to a call brings another cookie: the browser itself has to
// ask then, for only its own calls change its cookies.
(() => {
  const store = globalThis.factoids;
  const RECOVERY = "recovery";
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const keep = (token) => {
    try {
      token ? sessionStorage.setItem(RECOVERY, token) : sessionStorage.removeItem(RECOVERY);
    } catch { /* without storage it lasts until the page is left */ }
  };
  const kept = () => {
    try { return sessionStorage.getItem(RECOVERY) ?? ""; } catch { return ""; }
  };

  // What stands behind the # of a recovery link opens somebody's account. It leaves the address
  // before anything else looks at that, and waits in this tab until it is used.
  let token = kept();
  const take = () => {
    if (location.pathname.replace(/\/$/, "") !== "/recover" || location.hash.length < 2) return;
    token = location.hash.slice(1);
    keep(token);
    history.replaceState(history.state, "", location.pathname);
    store.patch("recovery", { state: "ready" });
  };
  store.patch("recovery", { state: token ? "ready" : "missing" });
  take();
  for (const event of ["hashchange", "popstate"]) addEventListener(event, take, true);

  const OFFLINE = { code: "offline", detail: "We could not be reached. Try again in a moment." };
  const call = async (method, path, body) => {
    const said = body && { "content-type": "application/json" };
    try {
      const answer = await fetch(path, { method, headers: said, body: body && JSON.stringify(body) });
      const told = await answer.text();
      return [answer.ok, told ? JSON.parse(told) : {}];
    } catch {
      return [false, OFFLINE];
    }
  };

  // Who leaves tells the page no more: its socket is the old identity's, and may be closed.
  const leave = (to) => (location.replace(to), new Promise(() => {}));

  Object.assign(store, {
    // A recovery link is shown once and lives here alone; it is gone with the page.
    async recoveryLink(link) {
      store.patch("recovery-link", { link: "", until: "", ...link });
      await drawn();
      document.getElementById("recovery-link")?.focus();
    },
    forgetLink(next) {
      store.patch("recovery-link", { link: "" });
      if (next) leave(next);
    },
    async recover(replace) {
      const [ok, told] = await call("POST", "/api/session/recover", { token, replace });
      if (!ok) return { code: told.code ?? "", detail: told.detail ?? OFFLINE.detail };
      keep("");
      // Whoever left something behind gets a link back to it before the page is left.
      if (told.way_back) store.recoveryLink({ link: told.way_back.link });
      else return leave("/account");
      return { code: "", detail: "" };
    },
    async signOut() {
      const [ok, told] = await call("DELETE", "/api/session?keep_credits=true");
      return ok ? leave("/") : told.detail ?? OFFLINE.detail;
    },
  });
})();
