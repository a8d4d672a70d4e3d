"""Answers the addresses of pages with HTML that is useful before any script has run: for readers
without JavaScript, search engines, previews of shared links, and the first paint.
"""

import gzip
from collections.abc import Iterable

from web.server.asgi import ASGIApp, Message, Receive, Scope, Send
from web.server.page import Build, Page


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
        return await self._app(scope, receive, send)


async def _send_html(scope: Scope, send: Send, status: int, html: str) -> None:
    body = html.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"vary", b"accept-encoding")]
    if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b""):
        body = gzip.compress(body, 5)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
