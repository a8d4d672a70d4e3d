"""Translators and extensions that change the text of a page, and a clock that is wrong."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import NewVisitor
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter

CHANGES = """
const change = CHANGE;
const all = (root) => {
  if (root.nodeType === 3) return [root];
  if (/^(SCRIPT|STYLE|TEXTAREA)$/.test(root.nodeName)) return [];
  return [...root.childNodes].flatMap(all);
};
const seen = new WeakSet();
new MutationObserver((records) => {
  const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
  for (const text of added.flatMap(all)) {
    const parent = text.parentNode;
    if (!parent?.closest("#maker, #talk, #spoken, [data-sonner-toaster]")) continue;
    if (seen.has(text) || parent.nodeName === "FONT" || !text.data.trim()) continue;
    seen.add(text);
    change(text, parent);
  }
}).observe(document, { childList: true, subtree: true });
"""
WRONG_CLOCK = "const right = Date.now; Date.now = () => right() + HOURS * 3_600_000;"
FONT = "const font = document.createElement('font');"
KINDS = {
    "wrapped": f"(text) => {{ {FONT} text.replaceWith(font); font.append(text); }}",
    "replaced": f"(text) => {{ {FONT} font.append(text.data + '!'); text.replaceWith(font); }}",
    "removed": "(text) => text.remove()",
    "split": "(text) => { if (text.length > 3) text.splitText(2); }",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fact_is_written_under_foreign_changes(
    openrouter: RunningOpenRouter, visitors: NewVisitor, kind: str
):
    visitor = await visitors()
    await visitor.context.add_init_script(CHANGES.replace("CHANGE", KINDS[kind]))
    # Chromium's text before the scripts had begun is not what React expects.
    visitor.forgive("Minified React error #418")
    await visitor.open()
    for _ in range(2):
        await openrouter.queue("gated:12")
        await visitor.generate("Venus")
        await openrouter.wait_at_gate()
        await openrouter.open()
        await expect(visitor.result).to_be_visible()
        await expect(visitor.page.locator("#generate")).to_be_visible()


@pytest.mark.parametrize("hours", [-25, 25, 24 * 400])
async def test_ages_are_by_the_servers_clock(make: Factories, visitors: NewVisitor, hours: int):
    factoid = await make.factoid(created_at=datetime.now(UTC) - timedelta(hours=3, minutes=5))
    visitor = await visitors()
    await visitor.context.add_init_script(WRONG_CLOCK.replace("HOURS", str(hours)))
    await visitor.open()

    when = visitor.page.locator(f'[data-factoid="{factoid.id}"] time').first
    await expect(when).to_have_text(re.compile("3 hours ago"))
