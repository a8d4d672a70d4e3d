// Calls that change the visitor of this browser: the response sets another cookie, so the browser
// itself has to make them.
(() => {
  const store = globalThis.factoids;
  const RECOVERY = "recovery";
  const storeToken = (token) => {
    try {
      token ? sessionStorage.setItem(RECOVERY, token) : sessionStorage.removeItem(RECOVERY);
    } catch { /* without storage it lasts until the page is left */ }
  };
  const storedToken = () => {
    try { return sessionStorage.getItem(RECOVERY) ?? ""; } catch { return ""; }
  };

  // The fragment of a recovery link is the secret that opens an account. It is removed from the address
  // before anything else reads that, and kept in this tab until it is used.
  let token = storedToken();
  const takeToken = () => {
    if (location.pathname.replace(/\/$/, "") !== "/recover" || location.hash.length < 2) return;
    token = location.hash.slice(1);
    storeToken(token);
    history.replaceState(history.state, "", location.pathname);
    store.patch("recovery", { state: "ready" });
  };
  store.patch("recovery", { state: token ? "ready" : "missing" });
  takeToken();
  for (const event of ["hashchange", "popstate"]) addEventListener(event, takeToken, true);

  const OFFLINE = { code: "offline", detail: "We could not be reached. Try again in a moment." };
  const call = async (method, path, body) => {
    const headers = body && { "content-type": "application/json" };
    try {
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      const text = await response.text();
      return [response.ok, text ? JSON.parse(text) : {}];
    } catch {
      return [false, OFFLINE];
    }
  };

  // Never resolves: the page's websocket belongs to the previous visitor and may be closed.
  const leave = (to) => (location.replace(to), new Promise(() => {}));

  Object.assign(store, {
    // A recovery link is shown once and kept only here, until the page is left.
    async showRecoveryLink(link) {
      store.patch("recovery-link", { link: "", until: "", ...link });
      await store.rendered();
      document.getElementById("recovery-link")?.focus();
    },
    forgetRecoveryLink(next) {
      store.patch("recovery-link", { link: "" });
      if (next) leave(next);
    },
    async recover(replace) {
      const [ok, result] = await call("POST", "/api/session/recover", { token, replace });
      if (!ok) return { code: result.code ?? "", detail: result.detail ?? OFFLINE.detail };
      storeToken("");
      // A visitor who leaves something behind gets a link back to it before the page is left.
      if (result.way_back) store.showRecoveryLink({ link: result.way_back.link });
      else return leave("/account");
      return { code: "", detail: "" };
    },
    async signOut() {
      const [ok, result] = await call("DELETE", "/api/session?keep_credits=true");
      return ok ? leave("/") : result.detail ?? OFFLINE.detail;
    },
  });
})();
