// Storage that the browser denies, does not have or that is full is replaced by memory, which lasts
// until the page is left. This runs before all that uses storage; Reflex would not start without.
(() => {
  class Memory {
    #values = new Map();
    get length() { return this.#values.size; }
    key(index) { return [...this.#values.keys()][index] ?? null; }
    getItem(name) { return this.#values.get(String(name)) ?? null; }
    setItem(name, value) { this.#values.set(String(name), String(value)); }
    removeItem(name) { this.#values.delete(String(name)); }
    clear() { this.#values.clear(); }
  }
  const replace = (object, name, property) =>
    Object.defineProperty(object, name, { configurable: true, enumerable: true, ...property });

  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      // Storage may be readable and still refuse every call.
      window[name].getItem("");
    } catch {
      replace(window, name, { value: new Memory() });
    }
  }
  try {
    document.cookie;
  } catch {
    replace(document, "cookie", { get: () => "", set() {} });
  }

  // What does not fit into storage is kept beside it.
  const { getItem, setItem, removeItem, clear } = Storage.prototype;
  const overflow = new WeakMap();
  const beside = (storage) =>
    overflow.get(storage) ?? overflow.set(storage, new Memory()).get(storage);
  Object.assign(Storage.prototype, {
    getItem(name) { return beside(this).getItem(name) ?? getItem.call(this, name); },
    setItem(name, value) {
      try {
        setItem.call(this, name, value);
        beside(this).removeItem(name);
      } catch {
        beside(this).setItem(name, value);
      }
    },
    removeItem(name) {
      beside(this).removeItem(name);
      removeItem.call(this, name);
    },
    clear() {
      beside(this).clear();
      clear.call(this);
    },
  });
})();
