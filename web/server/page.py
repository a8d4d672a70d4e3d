"""A page: its Reflex component and metadata, and the HTML with which the server first answers."""

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
        """The built document `name` with `head` and `body` appended to its head and its body."""
        return inject(self._document(name), head + self._notice, body)

    def shell(self, head: str, body: str = "") -> str:
        """The 404 document, whose scripts load the page of any address, with these appended."""
        return self.page("404", head, body)

    def has_file(self, path: str) -> bool:
        return (self._folder / path.lstrip("/")).is_file()

    async def cached(self, name: str, max_age_s: float, make: Callable[[], Awaitable[str]]) -> str:
        """The result of `make`, at most `max_age_s` old."""
        made_at, html = self._cache.get(name, (float("-inf"), ""))
        if time.monotonic() - made_at > max_age_s:
            html = await make()
            self._cache[name] = (time.monotonic(), html)
        return html

    def _document(self, name: str) -> str:
        if name not in self._documents:
            self._documents[name] = (self._folder / f"{name}.html").read_text()
        return self._documents[name]


Prerender = Callable[[Build, re.Match[str]], Awaitable[tuple[int, str]]]
"""Returns the HTTP status and the HTML of a page, for the match of its address."""


@dataclass(frozen=True)
class Page:
    """A page of the site, listed in `web/pages.py`."""

    route: str
    component: Callable[[], rx.Component]
    title: Any
    description: str | None = None
    image: str | None = None
    meta: Sequence[Mapping[str, str]] | None = None
    on_load: Any = None
    prerender: Prerender | None = None
    """Makes the first HTML; without it the Reflex build answers the address."""
    parameter: str = "[^/]+"
    """The pattern of the parameter in the route, where it has one."""

    def add_to(self, app: rx.App) -> None:
        """Register the page with Reflex."""
        optional = {
            "description": self.description,
            "image": self.image,
            "meta": self.meta,
            "on_load": self.on_load,
        }
        metadata: Any = {name: value for name, value in optional.items() if value is not None}
        app.add_page(self.component, route=self.route, title=self.title, **metadata)

    @property
    def address(self) -> re.Pattern[str]:
        """The addresses of the page, with or without a slash at the end."""
        path = re.sub(r"\\\[\w+\\\]", f"({self.parameter})", re.escape(self.route))
        slash = "" if self.route == "/" else "/?" if "[" in self.route else "/*"
        return re.compile(path + slash)


def built_html(name: str, body: str = "") -> Prerender:
    """A prerenderer of the built document `name`, with `body` appended to its body."""

    async def prerender(build: Build, _: re.Match[str]) -> tuple[int, str]:
        return 200, build.page(name, body=body)

    return prerender


def shell_html(title: str, body: str) -> Prerender:
    """A prerenderer of the shell, for pages that show nothing without their data."""

    async def prerender(build: Build, _: re.Match[str]) -> tuple[int, str]:
        return 200, build.shell(head_title(title), body)

    return prerender
