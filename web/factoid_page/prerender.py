"""The first HTML of a factoid's page: its text, and the metadata of link previews."""

import json
import re
from html import escape
from uuid import UUID

from api.schemas.factoids import FactoidOut
from web.client.api import ApiClient, ApiProblem
from web.server.html import head_title
from web.server.page import Build
from web.ui.layout import NAME, TAGLINE


async def prerender_factoid(build: Build, match: re.Match[str]) -> tuple[int, str]:
    """The shell with the factoid that the address names."""
    missing = build.shell(head_title(f"No such factoid | {NAME}"), noscript_missing())
    try:
        factoid = await ApiClient().factoid(UUID(match[1]))
    except ValueError:
        return 404, missing
    except ApiProblem as refusal:
        if refusal.problem.status == 404:
            return 404, missing
        return 503, build.shell(head_title(NAME))
    return 200, build.shell(factoid_head(factoid, build.site_url), factoid_preview(factoid))


def factoid_head(factoid: FactoidOut, site_url: str) -> str:
    """Title, description, canonical address and the metadata of link previews."""
    title = f"{factoid.subject} | {NAME}"
    url = f"{site_url}/f/{factoid.id}"
    properties = {
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
        f'content="{escape(value)}"/>'
        for name, value in properties.items()
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


def factoid_preview(factoid: FactoidOut) -> str:
    """The factoid for the first paint; hidden once the page itself is rendered.

    It needs no script, so it is also the page for readers without JavaScript.
    """
    return (
        f'<div id="preview" class="plain"><p class="serif top"><a href="/">{NAME}</a></p>'
        f'<article><p class="emoji">{escape(factoid.emoji)}</p>'
        f'<h1 class="serif">{escape(factoid.text)}</h1></article>'
        '<noscript><p><a href="/">More factoids</a></p></noscript></div>'
    )


def noscript_missing() -> str:
    return (
        f'<noscript><div class="plain"><p class="serif top"><a href="/">{NAME}</a></p>'
        "<article><h1>No such factoid</h1><p>Perhaps the link was cut short, or our overlords ate "
        'it. <a href="/">See the newest facts</a>.</p></article></div></noscript>'
    )
