"""Reading factoids: pages of the feed and of searches, one by its id, the factoid of the day."""

import asyncio
import hashlib
import random
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from db.repositories.factoids import FactoidCard, FactoidReads, PageShape
from domain.cursor import Cursors, InvalidCursor
from domain.errors import Invalid, NotFound
from domain.factoids.categories import Category
from domain.factoids.search import mark_matches, mark_similar, prefix_query, search_words

Sort = Literal["new", "top", "hot", "controversial", "random", "relevance"]

COUNTS_KEPT_S = 60.0
"""How long category counts are cached while nothing new is published."""


class FactoidNotFound(NotFound):
    code = "factoid_not_found"


class NoFactoids(NotFound):
    code = "no_factoids"


class FactoidQuery(msgspec.Struct, frozen=True):
    """A request for a page of the feed or of a search."""

    sort: Sort | None = None
    category: Category | None = None
    model: str | None = None
    q: str | None = None
    since: datetime | None = None
    limit: int = 20
    cursor: str | None = None

    @property
    def identity(self) -> str:
        """Identifies the list that the page belongs to, for its cursors."""
        return repr((self.sort, self.category, self.model, self.q, self.since))


class Feed(msgspec.Struct):
    items: list[FactoidCard]
    next_cursor: str | None


class FactoidService:
    def __init__(self, reads: FactoidReads, cursors: Cursors) -> None:
        self._reads = reads
        self._cursors = cursors
        self._counts = CategoryCounts(reads)

    async def page(self, query: FactoidQuery, voter_id: UUID | None) -> Feed:
        """One page of the feed, with at most two statements.

        Raises:
            InvalidCursor: The cursor was altered or belongs to another query.
            Invalid: The order is by relevance, and there is no search.
        """
        terms = search_words(query.q)
        if query.q and query.q.strip() and not terms:
            return Feed([], None)
        sort = query.sort or ("relevance" if terms else "new")
        if sort == "relevance" and not terms:
            raise Invalid("Sorting by relevance needs a search: add q.", field="sort")
        position = self._cursors.read(query.identity, query.cursor) if query.cursor else []
        if sort == "random":
            return await self._shuffled(query, voter_id, terms, position)
        order = position[0] if position else sort
        page = await self._ordered(query, voter_id, order, terms, position)
        if terms and not position and not page.items:
            return await self._ordered(query, voter_id, "similar", terms, [])
        return page

    async def _ordered(
        self,
        query: FactoidQuery,
        voter_id: UUID | None,
        order: str,
        terms: list[str],
        position: list[Any],
    ) -> Feed:
        shape, values = _shape(query, voter_id, order, terms, after=bool(position))
        if position:
            values |= {
                "after_key": _decode_key(order, position[1]),
                "after_id": UUID(bytes=position[2]),
            }
        cards = await self._reads.page(shape, **values)
        items = cards[: query.limit]
        _mark(items, terms, order)
        if len(cards) <= query.limit:
            return Feed(items, None)
        return Feed(items, self._cursors.write(query.identity, [order, *_position(items[-1])]))

    async def _shuffled(
        self, query: FactoidQuery, voter_id: UUID | None, terms: list[str], position: list[Any]
    ) -> Feed:
        """In the order of shuffle keys from a random start, wrapping around once."""
        start, wrapped = (position[3], position[4]) if position else (random.random(), False)
        shape, values = _shape(query, voter_id, "random", terms, after=True)
        after = (
            {"after_key": position[1], "after_id": UUID(bytes=position[2])}
            if position
            else _before(start)
        )
        shape = replace(shape, wrapped=wrapped)
        cards = await self._reads.page(shape, **values, **after, start=start)
        if len(cards) <= query.limit and not wrapped:
            wrapped = True
            rest = replace(shape, wrapped=True)
            cards += await self._reads.page(rest, **values, **_before(0.0), start=start)
        items = cards[: query.limit]
        _mark(items, terms, "random")
        if len(cards) <= query.limit:
            return Feed(items, None)
        # The page may end before the point where the keys wrap, although more was fetched.
        beyond = wrapped and isinstance(items[-1].sort_key, float) and items[-1].sort_key < start
        end = ["random", *_position(items[-1]), start, beyond]
        return Feed(items, self._cursors.write(query.identity, end))

    async def get_factoid(self, factoid_id: UUID, voter_id: UUID | None) -> FactoidCard:
        """Raises: FactoidNotFound: No factoid has this id."""
        card = await self._reads.card(factoid_id, voter_id)
        if card is None:
            raise FactoidNotFound("There is no such factoid. It may have been taken down.")
        return card

    async def factoid_of_day(self, day: date) -> FactoidCard:
        """The factoid of a UTC date: a pseudo-random one of those published before it.

        Raises:
            Invalid: The date is in the future.
            NoFactoids: Nothing was published before it.
        """
        if day > datetime.now(UTC).date():
            raise Invalid("That day has not begun yet.", field="date")
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        at = int.from_bytes(hashlib.sha256(day.isoformat().encode()).digest()[:6]) / 2**48
        card = await self._reads.fact_of_day(midnight, at)
        card = card or await self._reads.fact_of_day(midnight, 0.0)
        if card is None:
            raise NoFactoids("Nothing had been published before that day.")
        return card

    async def categories(self) -> dict[Category, int]:
        """The number of factoids in each category, zeros included."""
        counts = await self._counts.get()
        return {category: counts.get(category, 0) for category in Category}


class CategoryCounts:
    """Caches the number of factoids in each category until a newer factoid is published.

    A count reads the whole table, while finding the newest factoid takes one step in an index.
    """

    def __init__(self, reads: FactoidReads) -> None:
        self._reads = reads
        self._lock = asyncio.Lock()
        self._newest: UUID | None = None
        self._counted_at = float("-inf")
        self._counts: dict[str, int] = {}

    async def get(self) -> dict[str, int]:
        async with self._lock:
            newest = await self._reads.newest_id()
            now = time.monotonic()
            if newest != self._newest or now - self._counted_at > COUNTS_KEPT_S:
                self._counts = await self._reads.count_by_category()
                self._newest, self._counted_at = newest, now
            return self._counts


def _shape(
    query: FactoidQuery, voter_id: UUID | None, order: str, terms: list[str], *, after: bool
) -> tuple[PageShape, dict[str, Any]]:
    similar = order == "similar"
    shape = PageShape(
        order=order,
        limit=query.limit + 1,
        category=query.category is not None,
        model=query.model is not None,
        since=query.since is not None,
        after=after,
        voter=voter_id is not None,
        search=bool(terms) and not similar,
    )
    return shape, {
        "query": " ".join(terms) if similar else prefix_query(terms),
        "category": query.category,
        "model": query.model,
        "since": query.since,
        "voter": voter_id,
    }


def _mark(cards: Sequence[FactoidCard], terms: list[str], order: str) -> None:
    for card in cards if terms else ():
        if order == "similar":
            card.marked = mark_similar(card.text, terms)
        else:
            card.marked = mark_matches(card.text, terms, card.marked)


def _position(card: FactoidCard) -> list[Any]:
    key = card.sort_key
    if isinstance(key, datetime):
        return [_micros(key), card.id.bytes]
    return [key, card.id.bytes]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _decode_key(order: str, key: Any) -> Any:
    return _EPOCH + timedelta(microseconds=key) if order == "new" else key


def _before(start: float) -> dict[str, Any]:
    """The position just before a shuffle key."""
    return {"after_key": start, "after_id": UUID(int=0)}


__all__ = [
    "FactoidNotFound",
    "FactoidQuery",
    "FactoidService",
    "Feed",
    "InvalidCursor",
    "NoFactoids",
    "Sort",
]
