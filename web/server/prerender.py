"""The built HTML with today's facts put in: for readers without JavaScript, search engines and
previews of shared links, and so that the first thing seen is the fact itself.
"""

import gzip
import json
import re
import time
from html import escape
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from api.schemas.factoids import FactoidOut
from settings import Settings
from web.client.api import ApiClient, ApiProblem
from web.server.site import ASGIApp, Message, Receive, Scope, Send
from web.ui.layout import NAME, TAGLINE

NEWEST = 20
"""Facts in the page for readers without JavaScript."""
KEPT_S = 5.0
"""The list of newest facts is the same for everybody and at most this old."""

STANDIN = "<style>#standin{display:block}</style>"
"""Shows the notice that a stand-in model answers; in the HTML, so that nothing moves later."""
WITHOUT_SCRIPT = (
    "<style>body{display:flex;flex-direction:column}footer{order:2}"
    "#maker,#categories,#sorts,#search,#facts,header nav,#say-form,#your-chats,[data-suggestion]"
    "{display:none!important}</style>"
)

FACTOID_PATH = re.compile(r"/f/([^/]+)/?")
CHECKOUT_PATH = re.compile(r"/checkout/[0-9a-f-]{36}(?:/cancelled)?/?")
CHAT_PATH = re.compile(r"/(?:chat|shared)/[^/]+/?")
BUILT = ("/account", "/chat", "/keys", "/pricing", "/recover")
"""Pages whose HTML is the build's as it is, at an address with or without a slash at its end."""
PAID = (
    '<noscript><div class="plain"><h1>Your payment</h1><p>If you paid, your credits are yours. How '
    "it stands is shown with JavaScript.</p></div></noscript>"
)

CHATS = (
    f'<noscript>{WITHOUT_SCRIPT}<div class="plain"><p>Chatting needs JavaScript. '
    '<a href="/">Reading the newest facts</a> does not.</p></div></noscript>'
)
CHAT = (
    '<noscript><div class="plain"><h1>A chat</h1><p>What was said is shown with JavaScript.</p>'
    "</div></noscript>"
)


class Front:
    """Answers the addresses of pages itself; the rest is the Reflex build's."""

    def __init__(self, app: ASGIApp, build: Path, settings: Settings) -> None:
        self._app = app
        self._site_url = settings.site_url
        self._notice = STANDIN if settings.standin_model else ""
        self._index = build / "index.html"
        self._bare = build / "404.html"
        self._built = {path: build / f"{path[1:]}.html" for path in BUILT}
        self._files: dict[Path, str] = {}
        self._newest = ("", float("-inf"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            if scope["path"] == "/":
                return await self._answer(scope, send, 200, await self._feed_html())
            if built := self._built.get(scope["path"].rstrip("/")):
                body = CHATS if built == self._built["/chat"] else ""
                return await self._answer(scope, send, 200, self._page(built, "", body))
            if CHAT_PATH.fullmatch(scope["path"]):
                page = self._page(self._bare, titled(f"Chat | {NAME}"), CHAT)
                return await self._answer(scope, send, 200, page)
            if CHECKOUT_PATH.fullmatch(scope["path"]):
                head = titled(f"Your payment | {NAME}")
                return await self._answer(scope, send, 200, self._page(self._bare, head, PAID))
            if named := FACTOID_PATH.fullmatch(scope["path"]):
                return await self._answer(scope, send, *await self._factoid_html(named[1]))
        return await self._app(scope, receive, send)

    async def _feed_html(self) -> str:
        html, read_at = self._newest
        if time.monotonic() - read_at > KEPT_S:
            try:
                facts = (await ApiClient().factoids(limit=NEWEST)).items
                html = without_script(facts)
            except ApiProblem:
                html = ""
            self._newest = (html, time.monotonic())
        head = f'<link rel="canonical" href="{escape(self._site_url)}/"/>'
        # Sites that show a preview want the whole address of the picture.
        index = self._read(self._index).replace(
            'content="/card.png"', f'content="{escape(self._site_url)}/card.png"'
        )
        return put_in(index, head + self._notice, html)

    async def _factoid_html(self, given: str) -> tuple[int, str]:
        bare = self._bare
        try:
            factoid = await ApiClient().factoid(UUID(given))
        except ValueError:
            return 404, self._page(bare, titled(f"No such factoid | {NAME}"), nothing_here())
        except ApiProblem as refusal:
            if refusal.problem.status == 404:
                return 404, self._page(bare, titled(f"No such factoid | {NAME}"), nothing_here())
            return 503, self._page(bare, titled(NAME), "")
        return 200, self._page(bare, factoid_head(factoid, self._site_url), preview(factoid))

    def _page(self, document: Path, head: str, body: str) -> str:
        return put_in(self._read(document), head + self._notice, body)

    def _read(self, path: Path) -> str:
        if path not in self._files:
            self._files[path] = path.read_text()
        return self._files[path]

    async def _answer(self, scope: Scope, send: Send, status: int, html: str) -> None:
        body = html.encode()
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"vary", b"accept-encoding")]
        if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b""):
            body = gzip.compress(body, 5)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(body)).encode()))
        start: Message = {"type": "http.response.start", "status": status, "headers": headers}
        await send(start)
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )


def put_in(document: str, head: str, body: str) -> str:
    """The document with these at the end of its head and of its body.

    Only the last `</body>` is the real one; scripts may hold the same letters.
    """
    before, _, after = document.partition("</head>")
    inner, _, rest = after.rpartition("</body>")
    return f"{before}{head}</head>{inner}{body}</body>{rest}"


def titled(title: str) -> str:
    return f"<title>{escape(title)}</title>" + '<meta name="robots" content="noindex"/>'


def factoid_head(factoid: FactoidOut, site_url: str) -> str:
    """Title, description, canonical address and the cards that other sites show for a link."""
    title = f"{factoid.subject} | {NAME}"
    url = f"{site_url}/f/{factoid.id}"
    said = {
        "description": factoid.text,
        "og:type": "article",
        "og:site_name": NAME,
        "og:title": f"{factoid.emoji} {factoid.subject}".strip(),
        "og:description": factoid.text,
        "og:url": url,
        "og:image": f"{site_url}/card.png",
        "og:image:alt": f"{NAME}: {TAGLINE}",
        "article:published_time": factoid.created_at.isoformat(),
        "twitter:card": "summary_large_image",
    }
    tags = "".join(
        f'<meta {"property" if ":" in name and "twitter" not in name else "name"}="{name}" '
        f'content="{escape(words)}"/>'
        for name, words in said.items()
    )
    linked = json.dumps(
        {
            "@context": "https://schema.org",
            "@type": "Article",
            "headline": factoid.subject,
            "articleBody": factoid.text,
            "articleSection": factoid.category,
            "datePublished": factoid.created_at.isoformat(),
            "mainEntityOfPage": url,
            "author": {"@type": "Organization", "name": NAME},
        }
    ).replace("<", "\\u003c")
    return (
        f'<title>{escape(title)}</title><link rel="canonical" href="{escape(url)}"/>{tags}'
        f'<script type="application/ld+json">{linked}</script>'
    )


def preview(factoid: FactoidOut) -> str:
    """The fact as the very first thing on the page; it makes way when the live page is there.

    It needs no script, so it is also the page of readers without any.
    """
    return (
        f'<div id="preview" class="plain"><p class="serif top"><a href="/">{NAME}</a></p>'
        f'<article><p class="emoji">{escape(factoid.emoji)}</p>'
        f'<h1 class="serif">{escape(factoid.text)}</h1></article>'
        '<noscript><p><a href="/">More factoids</a></p></noscript></div>'
    )


def nothing_here() -> str:
    return (
        f'<noscript><div class="plain"><p class="serif top"><a href="/">{NAME}</a></p>'
        "<article><h1>No such factoid</h1><p>Perhaps the link was cut short, or our overlords ate "
        'it. <a href="/">See the newest facts</a>.</p></article></div></noscript>'
    )


def without_script(facts: list[FactoidOut]) -> str:
    """The newest facts as a plain list of links, in place of what needs script."""
    items = "".join(
        f'<li><article><a href="/f/{quote(str(fact.id))}"><span class="emoji">'
        f"{escape(fact.emoji)}</span> {escape(fact.text)}</a></article></li>"
        for fact in facts
    )
    return (
        f"<noscript>{WITHOUT_SCRIPT}"
        '<div class="plain serif"><p>Voting, searching and generating need JavaScript. '
        f"Reading does not:</p><ol>{items}</ol></div></noscript>"
    )
