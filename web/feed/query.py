"""The feed's query: read from and written to the address, which alone decides what is shown."""

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
"""The sort orders, with their labels."""

MAX_SEARCH_LENGTH = 200
"""The characters of a search that are kept; the rest is cut off."""


@dataclass(frozen=True)
class FeedQuery:
    """A sort order, a category and a search; empty values mean the default."""

    sort: str = ""
    category: str = ""
    q: str = ""

    @classmethod
    def from_address(cls, address: str) -> "FeedQuery":
        """The query in an address; unknown values are left out."""
        try:
            fields = parse_qs(urlsplit(address).query)
        except ValueError:
            return cls()
        sort, category, q = (fields.get(name, [""])[-1] for name in ("sort", "category", "q"))
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
        """The order requested from the API; a search has the best match first by default."""
        return self.sort or ("relevance" if self.q else "new")


@dataclass
class Choice:
    """A link that changes one part of the query."""

    name: str
    label: str
    href: str
    selected: bool
    emoji: str = ""
    count: str = ""


def sort_choices(query: FeedQuery) -> list[Choice]:
    names = dict(SORTS)
    default_label = "Best match" if query.q else names.pop("new")
    names = {"": default_label, **names}
    return [
        Choice(
            name,
            label,
            replace(query, sort=name).href,
            selected=query.sort in {name, name or "new"},
        )
        for name, label in names.items()
    ]


def category_choices(query: FeedQuery, categories: list[CategoryOut]) -> list[Choice]:
    total = sum(category.count for category in categories)
    all_facts = Choice(
        "", "All facts", replace(query, category="").href, not query.category, "✨", f"{total:,}"
    )
    return [
        all_facts,
        *(
            Choice(
                category.category,
                category.label,
                replace(query, category=category.category).href,
                query.category == category.category,
                category.emoji,
                f"{category.count:,}",
            )
            for category in categories
        ),
    ]
