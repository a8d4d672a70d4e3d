"""A visitor: a browser window of their own, and how the pages are met in it."""

import os
import re
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    Response,
    WebSocketRoute,
    async_playwright,
    expect,
)

from tests.processes import until

PATIENCE_S = 45
"""How long a condition may take to come true on a busy machine before a test fails."""
PATIENCE_MS = PATIENCE_S * 1_000

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SHOWN = "[...document.querySelectorAll('#facts [data-factoid]')].map(one => one.dataset.factoid)"

expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def running_chromium() -> AsyncGenerator[Browser]:
    """The system's Chromium, without a window."""
    names = (os.environ.get("CHROMIUM") or "chromium-headless-shell", "chromium")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise FileNotFoundError("Chromium is not installed: `make test` does it, or apt-get.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """One visitor with a window and a cookie jar, who notes whatever goes wrong in it."""

    def __init__(self, context: BrowserContext, page: Page, origin: str) -> None:
        self.context = context
        self.page = page
        self.origin = origin
        self.troubles: list[str] = []
        """Errors on the console, failed or foreign requests, dialogs: all empty in a good test."""
        self._forgiven: list[str] = []
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", self._on_request)
        context.on("requestfailed", self._on_failure)
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("dialog", self._on_dialog)
        context.on("weberror", lambda error: self.troubles.append(f"thrown: {error.error}"))

    def forgive(self, pattern: str) -> None:
        """What a test provokes on purpose: troubles with this in them do not count."""
        self._forgiven.append(pattern)

    @property
    def unforgiven(self) -> list[str]:
        return [
            trouble
            for trouble in self.troubles
            if not any(re.search(pattern, trouble) for pattern in self._forgiven)
        ]

    async def open(self, path: str = "/", page: Page | None = None) -> Page:
        """Load an address of the site and wait until it can be used."""
        page = page or self.page
        await page.goto(self.origin + path)
        await self.until_usable(page)
        return page

    async def open_tab(self, path: str = "/") -> "Visitor":
        """The same visitor in another tab."""
        tab = Visitor.__new__(Visitor)
        tab.__dict__ |= self.__dict__
        tab.page = await self.context.new_page()
        await tab.open(path)
        return tab

    async def reload(self) -> None:
        await self.page.reload()
        await self.until_usable()

    async def until_usable(self, page: Page | None = None) -> None:
        page = page or self.page
        await expect(page.locator("main[data-ready=yes]")).to_be_visible()
        if await page.locator("#facts").count():
            await expect(page.locator("#facts")).to_have_attribute("aria-busy", "false")

    # The feed

    @property
    def cards(self) -> Locator:
        return self.page.locator("#facts [data-factoid]")

    def card(self, factoid_id: UUID | str, within: str = "#main") -> "Card":
        return Card(self.page.locator(f'{within} [data-factoid="{factoid_id}"]').first)

    async def shown(self) -> list[str]:
        """The ids of the factoids in the list, in their order."""
        return await self.page.evaluate(SHOWN)

    async def expect_shown(self, *factoids: UUID) -> None:
        """Wait until the list holds exactly these, in this order."""
        await self.page.wait_for_function(
            f"wanted => JSON.stringify({SHOWN}) === JSON.stringify(wanted)",
            arg=[str(id_) for id_ in factoids],
        )

    async def expect_no_sideways_scroll(self, *widths: int) -> None:
        for width in widths:
            await self.page.set_viewport_size({"width": width, "height": 800})
            over = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, f"The page is {over} pixels too wide at {width}."

    async def until_saved(self, factoid_id: UUID, *, up: int, down: int) -> None:
        """Until the API says that these are the votes."""

        async def saved() -> bool:
            factoid = await self.read(f"/api/factoids/{factoid_id}")
            return (factoid["votes_up"], factoid["votes_down"]) == (up, down)

        await until(saved, f"{up} votes up and {down} down", within_s=PATIENCE_S)

    async def until_ended(self, status: str) -> None:
        """Until the API says that the visitor's latest generation has ended like this."""

        async def ended() -> bool:
            newest = await self.read("/api/factoids/generate")
            return [item["status"] for item in newest["items"][:1]] == [status]

        await until(ended, f"a generation that has {status}", within_s=PATIENCE_S)

    async def until_generations(self, count: int) -> None:
        """Until the API knows so many generations of the visitor, and all have ended."""

        async def known() -> bool:
            items = (await self.read("/api/factoids/generate"))["items"]
            return len(items) == count and all(one["finished_at"] for one in items)

        await until(known, f"{count} generations that have ended", within_s=PATIENCE_S)

    async def read(self, path: str) -> Any:
        """What the API answers the visitor."""
        return await self.page.evaluate("async (path) => (await fetch(path)).json()", path)

    async def search(self, words: str) -> None:
        await self.page.locator("#q").press_sequentially(words)

    # The generate form

    async def generate(self, topic: str = "") -> None:
        if topic:
            await self.page.locator("#topic").fill(topic)
        await self.page.locator("#generate").click()

    @property
    def stage(self) -> Locator:
        return self.page.locator("#stage")

    @property
    def draft(self) -> Locator:
        return self.page.locator("#draft")

    @property
    def result(self) -> Locator:
        return self.page.locator("#result [data-factoid]")

    @property
    def problem(self) -> Locator:
        return self.page.locator("#problem")

    @property
    def toast(self) -> Locator:
        return self.page.locator("[data-sonner-toast]")

    # What is noted

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"data", "blob"}:
            return
        if f"{address.scheme}://{address.netloc}" != self.origin:
            self.troubles.append(f"foreign: {request.url}")

    def _on_failure(self, request: Request) -> None:
        self.troubles.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status}: {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"console {message.type}: {message.text}")

    async def _on_dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


class Card:
    """A factoid on a page."""

    def __init__(self, locator: Locator) -> None:
        self.locator = locator

    def vote_button(self, value: Literal[1, -1]) -> Locator:
        return self.locator.locator(f'[data-vote="{value}"]')

    async def vote(self, value: Literal[1, -1]) -> None:
        await self.vote_button(value).click()

    async def expect_votes(self, *, up: int, down: int, mine: Literal[-1, 0, 1] = 0) -> None:
        votes: dict[Literal[1, -1], int] = {1: up, -1: down}
        for value, number in votes.items():
            button = self.vote_button(value)
            await expect(button).to_have_text(re.compile(rf"\D{number}$"))
            await expect(button).to_have_attribute(
                "aria-pressed", "true" if mine == value else "false"
            )

    async def expect_votes_up(self, number: int) -> None:
        await expect(self.vote_button(1)).to_have_text(re.compile(rf"\D{number}$"))

    @property
    def feedback(self) -> Locator:
        return self.locator.locator("[data-feedback]")

    @property
    def details(self) -> Locator:
        return self.locator.locator("[data-details]")

    async def open_details(self) -> None:
        await self.locator.locator("[data-more]").click()
        await expect(self.details).to_be_visible()

    async def share(self) -> None:
        await self.locator.locator("[data-share]").click()


class Wire:
    """The page's socket, with a hand on it: what comes from the server can be kept back."""

    def __init__(self) -> None:
        self._held: list[Callable[[], None]] | None = None
        self.sent: list[str] = []
        """What the page has said."""

    @classmethod
    async def of(cls, page: Page) -> "Wire":
        """To be called before the page is opened."""
        wire = cls()
        await page.route_web_socket(re.compile("/_event"), wire._join)
        return wire

    def hold(self) -> None:
        """From now on keep back what the server says."""
        self._held = []

    def release(self) -> None:
        held, self._held = self._held or [], None
        for deliver in held:
            deliver()

    def drop(self) -> None:
        """Lose what was kept back, as a connection that breaks does."""
        self._held = None

    def _join(self, page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()

        def from_page(message: str | bytes) -> None:
            self.sent.append(message if isinstance(message, str) else message.decode())
            server_side.send(message)

        def from_server(message: str | bytes) -> None:
            if self._held is None:
                page_side.send(message)
            else:
                self._held.append(lambda: page_side.send(message))

        page_side.on_message(from_page)
        server_side.on_message(from_server)


async def new_visitor(browser: Browser, origin: str, **options: Any) -> Visitor:
    """A visitor nobody has seen before; their window is 1280 wide unless said otherwise."""
    usual: dict[str, Any] = {
        "viewport": {"width": 1280, "height": 900},
        "reduced_motion": "reduce",
        "locale": "en-GB",
    }
    context = await browser.new_context(**usual | options)
    return Visitor(context, await context.new_page(), origin)
