"""The feed's first HTML, with the newest factoids for readers without JavaScript."""

import re
from html import escape
from urllib.parse import quote

from api.schemas.factoids import FactoidOut
from web.client.api import ApiClient, ApiProblem
from web.server.html import NOSCRIPT_STYLE
from web.server.page import Build

NOSCRIPT_FACTS = 20
CACHE_S = 5.0
"""The list of newest facts is the same for all visitors and at most this old."""


async def prerender_feed(build: Build, _: re.Match[str]) -> tuple[int, str]:
    """The built page with its canonical address and the newest facts as a list."""
    facts = await build.cached("newest facts", CACHE_S, _newest_facts)
    site_url = escape(build.site_url)
    page = build.page("index", f'<link rel="canonical" href="{site_url}/"/>', facts)
    # Link previews need the absolute URL of the image.
    return 200, page.replace('content="/card.png"', f'content="{site_url}/card.png"')


async def _newest_facts() -> str:
    try:
        return noscript_feed((await ApiClient().factoids(limit=NOSCRIPT_FACTS)).items)
    except ApiProblem:
        return ""


def noscript_feed(facts: list[FactoidOut]) -> str:
    """The newest facts as a plain list of links, in place of what needs JavaScript."""
    items = "".join(
        f'<li><article><a href="/f/{quote(str(fact.id))}"><span class="emoji">'
        f"{escape(fact.emoji)}</span> {escape(fact.text)}</a></article></li>"
        for fact in facts
    )
    return (
        f"<noscript>{NOSCRIPT_STYLE}"
        '<div class="plain serif"><p>Voting, searching and generating need JavaScript. '
        f"Reading does not:</p><ol>{items}</ol></div></noscript>"
    )
