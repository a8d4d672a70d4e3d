"""What a page is: what Reflex builds of it, and the HTML with which the server first answers."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import reflex as rx

from settings import Settings
from web.server.html import STANDIN_STYLE, head_title, inject


class Build:
    """The HTML documents of the Reflex build."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.site_url = settings.site_url
        self._folder = folder
        self._notice = STANDIN_STYLE if settings.standin_model else ""
        self._documents: dict[str, str] = {}
        self._cache: dict[str, tuple[float, str]] = {}

    def page(self, name: str, head: str = "", body: str = "") -> str:
        """A built page with these at the end of its head and of its body."""
        return inject(self._document(name), head + self._notice, body)

    def shell(self, head: str, body: str = "") -> str:
        """The page of unknown addresses, which loads any page, with these in it."""
        return self.page("404", head, body)

    async def cached(self, name: str, max_age_s: float, make: Callable[[], Awaitable[str]]) -> str:
        """What `make` returned, kept for this long."""
        made_at, made = self._cache.get(name, (float("-inf"), ""))
        if time.monotonic() - made_at > max_age_s:
            made = await make()
            self._cache[name] = (time.monotonic(), made)
        return made

    def _document(self, name: str) -> str:
        if name not in self._documents:
            self._documents[name] = (self._folder / f"{name}.html").read_text()
        return self._documents[name]


Prerender = Callable[[Build, re.Match[str]], Awaitable[tuple[int, str]]]
"""Makes a page's status and HTML, given the match of its address."""


@dataclass(frozen=True)
class Page:
    """A page. It is registered by its line in `web/pages.py`."""

    route: str
    component: Callable[[], rx.Component]
    title: Any
    description: str | None = None
    image: str | None = None
    meta: Sequence[Mapping[str, str]] | None = None
    on_load: Any = None
    prerender: Prerender | None = None
    """Without it the address is answered as Reflex does."""
    parameter: str = "[^/]+"
    """The pattern of the parameter in the route, where it has one."""

    def add_to(self, app: rx.App) -> None:
        optional = {
            "description": self.description,
            "image": self.image,
            "meta": self.meta,
            "on_load": self.on_load,
        }
        given: Any = {name: value for name, value in optional.items() if value is not None}
        app.add_page(self.component, route=self.route, title=self.title, **given)

    @property
    def address(self) -> re.Pattern[str]:
        """The addresses of the page, with or without a slash at the end."""
        path = re.sub(r"\\\[\w+\\\]", f"({self.parameter})", re.escape(self.route))
        slash = "" if self.route == "/" else "/?" if "[" in self.route else "/*"
        return re.compile(path + slash)


def built_html(name: str, body: str = "") -> Prerender:
    """The built document of a page, with this at the end of its body."""

    async def prerender(build: Build, _: re.Match[str]) -> tuple[int, str]:
        return 200, build.page(name, body=body)

    return prerender


def shell_html(title: str, body: str) -> Prerender:
    """The shell with this title and body, for pages that need their data to be shown."""

    async def prerender(build: Build, _: re.Match[str]) -> tuple[int, str]:
        return 200, build.shell(head_title(title), body)

    return prerender
