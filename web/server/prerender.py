"""Answers the addresses of pages with HTML that is useful before any script has run: for readers
without JavaScript, search engines, previews of shared links, and the first paint.
"""

import gzip
import re
from collections.abc import Iterable

from api.http_semantics import accepts_gzip
from web.server.asgi import ASGIApp, Message, Receive, Scope, Send
from web.server.page import Build, Page

FILE = re.compile(r"\.[a-zA-Z0-9]{2,11}$|^/\.well-known/")
"""Addresses of files. Browsers, crawlers and scanners ask for many by habit; where there is none, a
page about it would be of no use to them."""


class Prerenderer:
    """ASGI middleware that answers the addresses of `pages`; `app` serves everything else."""

    def __init__(self, app: ASGIApp, pages: Iterable[Page], build: Build) -> None:
        self._app = app
        self._build = build
        self._pages = [(page.address, page.prerender) for page in pages if page.prerender]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            for address, prerender in self._pages:
                if match := address.fullmatch(scope["path"]):
                    return await _send_html(scope, send, *await prerender(self._build, match))
            if FILE.search(scope["path"]) and not self._build.has_file(scope["path"]):
                return await _send_not_found(send)
        return await self._app(scope, receive, send)


async def _send_not_found(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"10")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"Not found."})


async def _send_html(scope: Scope, send: Send, status: int, html: str) -> None:
    body = html.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"vary", b"accept-encoding")]
    if accepts_gzip(scope["headers"]):
        body = gzip.compress(body, 5)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
