// A form keeps its idempotency key until the API has answered: the same content sent again, by a
// second click or after the answer was lost, is the same request to the API.
(() => {
  const store = globalThis.factoids;
  const STORED = "idempotency key";
  const keyOf = (content) => {
    const last = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    if (last.content === content) return last.key;
    const key = [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    sessionStorage.setItem(STORED, JSON.stringify({ key, content }));
    return key;
  };
  document.addEventListener("submit", ({ target }) => {
    const { idempotency_key: field } = target.elements;
    if (!field) return;
    field.value = "";
    try {
      field.value = keyOf(JSON.stringify([...new FormData(target)]));
    } catch { /* without storage the server creates the key */ }
  }, true);

  store.answered = () => sessionStorage.removeItem(STORED);
})();
