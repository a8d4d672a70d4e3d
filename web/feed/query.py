"""What the feed shows is determined by its address alone, which is read and written here."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode, urlsplit

from api.schemas.factoids import CategoryOut

SORTS = {
    "new": "Newest",
    "hot": "Hot",
    "top": "Top",
    "controversial": "Divisive",
    "random": "Shuffled",
}
"""The orders a reader may choose, with their labels."""

MAX_SEARCH_LENGTH = 200
"""Characters of a search that are kept: more than anyone types, and short enough for an address."""


@dataclass(frozen=True)
class FeedQuery:
    """An order, a category and a search; empty values mean the default."""

    sort: str = ""
    category: str = ""
    q: str = ""

    @classmethod
    def from_address(cls, address: str) -> "FeedQuery":
        """The query in an address; unknown values are left out."""
        try:
            given = parse_qs(urlsplit(address).query)
        except ValueError:
            return cls()
        sort, category, q = (given.get(name, [""])[-1] for name in ("sort", "category", "q"))
        return cls(
            sort=sort if sort in SORTS else "",
            category=category if category.isascii() and category.isalnum() else "",
            q=q.replace("\0", "").strip()[:MAX_SEARCH_LENGTH],
        )

    @property
    def href(self) -> str:
        fields = {"sort": self.sort, "category": self.category, "q": self.q}
        query = urlencode({name: value for name, value in fields.items() if value})
        return f"/?{query}" if query else "/"

    @property
    def order(self) -> str:
        """The order to ask the API for: a search as such wants the best match first."""
        return self.sort or ("relevance" if self.q else "new")


@dataclass
class Choice:
    """One of several links that change what is shown."""

    name: str
    label: str
    href: str
    on: bool
    emoji: str = ""
    count: str = ""


def sort_choices(query: FeedQuery) -> list[Choice]:
    names = dict(SORTS)
    usual = "Best match" if query.q else names.pop("new")
    names = {"": usual, **names}
    return [
        Choice(name, label, replace(query, sort=name).href, on=query.sort in {name, name or "new"})
        for name, label in names.items()
    ]


def category_choices(query: FeedQuery, categories: list[CategoryOut]) -> list[Choice]:
    total = sum(known.count for known in categories)
    every = Choice(
        "", "All facts", replace(query, category="").href, not query.category, "✨", f"{total:,}"
    )
    return [
        every,
        *(
            Choice(
                known.category,
                known.label,
                replace(query, category=known.category).href,
                query.category == known.category,
                known.emoji,
                f"{known.count:,}",
            )
            for known in categories
        ),
    ]
