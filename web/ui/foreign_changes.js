// Translators and extensions wrap, replace and remove the text of a page. React changes the nodes that
// it made itself: without this it would throw when such a node has moved, and replace the page by an
// error, or write into a node that is not shown any more.
(() => {
  const lost = new WeakMap();
  new MutationObserver((records) => {
    for (const { target, addedNodes, removedNodes, nextSibling } of records) {
      for (const node of removedNodes) {
        if (node.nodeType === Node.TEXT_NODE) lost.set(node, { target, nextSibling });
      }
      for (const node of addedNodes) {
        const replaced = [...removedNodes].find((removed) => removed.nodeType === Node.TEXT_NODE);
        if (replaced) lost.get(replaced).replacement = node;
      }
    }
  }).observe(document, { childList: true, subtree: true });

  // The child of a parent that a node is in now, or that has replaced it.
  const childOf = (parent, node) => {
    let child = node.isConnected ? node : lost.get(node)?.replacement;
    while (child && child.parentNode !== parent) child = child.parentNode;
    return child ?? null;
  };
  const { removeChild, insertBefore } = Node.prototype;
  Node.prototype.removeChild = function (node) {
    if (node.parentNode === this) return removeChild.call(this, node);
    const child = childOf(this, node);
    if (child) removeChild.call(this, child);
    return node;
  };
  Node.prototype.insertBefore = function (node, next) {
    const before = next && next.parentNode !== this ? childOf(this, next) : next;
    return insertBefore.call(this, node, before);
  };
  const { get, set } = Object.getOwnPropertyDescriptor(Node.prototype, "nodeValue");
  Object.defineProperty(Node.prototype, "nodeValue", {
    configurable: true,
    enumerable: true,
    get,
    set(value) {
      set.call(this, value);
      if (this.isConnected || !lost.has(this)) return;
      const { target, nextSibling, replacement } = lost.get(this);
      if (replacement?.isConnected) replacement.replaceWith(this);
      else if (target.isConnected) target.insertBefore(this, nextSibling);
    },
  });
})();
