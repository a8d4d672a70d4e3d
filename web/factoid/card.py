"""The data of a factoid's card, formatted for display."""

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC
from urllib.parse import quote_plus, urlencode

from api.schemas.factoids import CategoryOut, FactoidOut, TextPart
from web.client.api import ApiClient
from web.ui.format import format_cost, format_datetime, safe_href

CATEGORIES_CACHE_S = 30.0
"""The categories are the same for all visitors, so a process reads them this often at most."""

ORIGINS = {
    "manual": "a visitor asked for it",
    "scheduled": "published by itself, as one is every hour",
    "api": "asked for by a program through the API",
    "paid": "paid for by a kind visitor",
    "seed": "from our starter set, collected by people",
}


@dataclass
class Detail:
    name: str
    text: str


@dataclass
class Card:
    """A factoid as its card shows it; plain values, since the page receives it as JSON."""

    id: str
    text: str
    emoji: str
    subject: str
    category: str
    category_label: str
    category_href: str
    hue: str
    """The colour of its tile, an angle on the colour wheel."""
    href: str
    url: str
    created_at: str
    created_text: str
    up: int
    down: int
    mine: int
    search_href: str
    ask_href: str
    source_href: str
    details: list[Detail] = field(default_factory=list[Detail])
    parts: list[TextPart] = field(default_factory=list[TextPart])


@dataclass
class _Categories:
    items: list[CategoryOut] = field(default_factory=list[CategoryOut])
    read_at: float = float("-inf")


_categories = _Categories()


async def all_categories(api: ApiClient) -> list[CategoryOut]:
    """The categories with their counts, at most half a minute old.

    Raises:
        ApiProblem: They have to be read again and the API refuses or does not answer.
    """
    if time.monotonic() - _categories.read_at > CATEGORIES_CACHE_S:
        _categories.items = (await api.categories()).items
        _categories.read_at = time.monotonic()
    return _categories.items


def hue(category: str) -> str:
    """A stable hue for any category, in degrees, derived from its name."""
    return str(hashlib.sha256(category.encode()).digest()[0] * 360 // 256)


def to_card(factoid: FactoidOut) -> Card:
    labels = {category.category: category.label for category in _categories.items}
    at = factoid.created_at.astimezone(UTC)
    return Card(
        id=str(factoid.id),
        text=factoid.text,
        emoji=factoid.emoji or "✨",
        subject=factoid.subject,
        category=factoid.category,
        category_label=labels.get(factoid.category, factoid.category.capitalize()),
        category_href=f"/?{urlencode({'category': factoid.category})}",
        hue=hue(factoid.category),
        href=f"/f/{factoid.id}",
        url=factoid.url,
        created_at=at.isoformat(),
        created_text=format_datetime(at),
        up=factoid.votes_up,
        down=factoid.votes_down,
        mine=factoid.my_vote or 0,
        search_href=f"https://www.google.com/search?q={quote_plus(factoid.text)}",
        ask_href=f"https://chatgpt.com/?q={quote_plus('Is this true? ' + factoid.text)}",
        source_href=safe_href(factoid.source_url),
        details=_details(factoid),
        parts=factoid.highlighted,
    )


def _details(factoid: FactoidOut) -> list[Detail]:
    details = {
        "Written by": factoid.model,
        "How it came about": ORIGINS.get(factoid.origin),
        "It cost": format_cost(factoid.cost_usd) if factoid.cost_usd is not None else None,
        "It took": f"{factoid.generation_s:.1f} seconds" if factoid.generation_s else None,
        "Reading and writing": _tokens(factoid.prompt_tokens, factoid.completion_tokens),
        "Published": format_datetime(factoid.created_at),
    }
    return [Detail(name, text) for name, text in details.items() if text]


def _tokens(read: int | None, written: int | None) -> str | None:
    if read is None or written is None:
        return None
    return f"{read:,} pieces of words read, {written:,} written"
