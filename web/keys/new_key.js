// The secret of a new key is shown once and kept only here, until the page is left.
(() => {
  const store = globalThis.factoids;
  Object.assign(store, {
    async showNewKey(key) {
      store.answered();
      store.patch("new-key", { token: "", ...key });
      const name = document.getElementById("key-name");
      if (name) name.value = "";
      await store.rendered();
      document.getElementById("new-key")?.focus();
    },
    curlExample({ token, generates } = {}) {
      const call = generates
        ? `curl -X POST ${location.origin}/api/factoids/generate \\\n`
          + `  -H "Authorization: Bearer ${token}" \\\n`
          + `  -H "Content-Type: application/json" -d '{"topic": "owls"}'`
        : `curl ${location.origin}/api/factoids/random \\\n`
          + `  -H "Authorization: Bearer ${token}"`;
      return token ? call : "";
    },
    forgetNewKey: () => store.patch("new-key", { token: "" }),
  });
})();
