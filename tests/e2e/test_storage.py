"""Browsers that deny storage, have none or have no room in it: everything works without."""

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import NewVisitor
from tests.factories import Factories

DENIED = """
for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
  configurable: true, get() { throw new DOMException("Access is denied", "SecurityError"); } });
"""
COOKIES_DENIED = """
Object.defineProperty(Document.prototype, "cookie", { configurable: true,
  get() { throw new DOMException("Access is denied", "SecurityError"); },
  set() { throw new DOMException("Access is denied", "SecurityError"); } });
"""
ABSENT = """
for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
  configurable: true, get: () => null });
"""
FULL = """
Storage.prototype.setItem = () => { throw new DOMException("Full", "QuotaExceededError"); };
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(DENIED, id="storage is denied"),
        pytest.param(DENIED + COOKIES_DENIED, id="storage and cookies are denied"),
        pytest.param(ABSENT, id="there is none"),
        pytest.param(FULL, id="storage is full"),
    ],
)
async def test_pages_work_without_storage(make: Factories, visitors: NewVisitor, script: str):
    factoid = await make.factoid(votes=(7, 2))
    visitor = await visitors()
    await visitor.context.add_init_script(script)
    await visitor.open()

    await visitor.card(factoid.id).vote(1)
    await visitor.until_saved(factoid.id, up=8, down=2)
    await visitor.reload()
    await expect(visitor.cards).to_have_count(1)
    await visitor.open("/chat")
    await visitor.page.locator("#say").fill("Do bees dance?")
    await expect(visitor.page.locator("#say")).to_have_value("Do bees dance?")


async def test_pages_work_where_cookies_are_blocked(make: Factories, visitors: NewVisitor):
    """By Chromium itself: it stores no cookie of the site, and scripts see none."""
    factoid = await make.factoid(votes=(7, 2))
    visitor = await visitors()
    await visitor.context.add_init_script(DENIED)
    devtools = await visitor.context.new_cdp_session(visitor.page)
    await devtools.send("Emulation.setDocumentCookieDisabled", {"disabled": True})
    await visitor.open()

    await visitor.card(factoid.id).vote(1)
    await visitor.until_saved(factoid.id, up=8, down=2)
