"""What the feed shows is what its address says; these are the only places that know how."""

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
"""The orders a reader may choose, in the words of the page."""

SEARCH_LENGTH = 200
"""Characters of a search that are kept: more than anyone types, and short enough for an address."""


@dataclass(frozen=True)
class Wish:
    """What a reader wants to see: an order, a category, a search. Empty means the usual."""

    sort: str = ""
    category: str = ""
    q: str = ""

    @classmethod
    def read(cls, address: str) -> "Wish":
        """The wish in an address; what it does not understand it leaves out."""
        try:
            given = parse_qs(urlsplit(address).query)
        except ValueError:
            return cls()
        sort, category, q = (given.get(name, [""])[-1] for name in ("sort", "category", "q"))
        return cls(
            sort=sort if sort in SORTS else "",
            category=category if category.isascii() and category.isalnum() else "",
            q=q.replace("\0", "").strip()[:SEARCH_LENGTH],
        )

    @property
    def href(self) -> str:
        said = {"sort": self.sort, "category": self.category, "q": self.q}
        query = urlencode({name: value for name, value in said.items() if value})
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


def sort_choices(wish: Wish) -> list[Choice]:
    names = dict(SORTS)
    usual = "Best match" if wish.q else names.pop("new")
    names = {"": usual, **names}
    return [
        Choice(name, label, replace(wish, sort=name).href, on=wish.sort in {name, name or "new"})
        for name, label in names.items()
    ]


def category_choices(wish: Wish, categories: list[CategoryOut]) -> list[Choice]:
    total = sum(known.count for known in categories)
    every = Choice(
        "", "All facts", replace(wish, category="").href, not wish.category, "✨", f"{total:,}"
    )
    return [
        every,
        *(
            Choice(
                known.category,
                known.label,
                replace(wish, category=known.category).href,
                wish.category == known.category,
                known.emoji,
                f"{known.count:,}",
            )
            for known in categories
        ),
    ]
