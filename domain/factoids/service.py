"""Reading factoids: the feed in its orders, search, one, the factoid of the day."""

import asyncio
import hashlib
import random
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from db.repositories.factoids import FactoidCard, FactoidReads, PageShape
from domain.cursor import Cursors, InvalidCursor
from domain.errors import Invalid, NotFound
from domain.factoids.categories import Category
from domain.factoids.search import mark_alike, prefix_query, search_words

Sort = Literal["new", "top", "hot", "controversial", "random", "relevance"]

COUNTS_KEPT_S = 60.0
"""How long the counts of the categories are kept when nothing new is published."""


class FactoidNotFound(NotFound):
    code = "factoid_not_found"


class NoFactoids(NotFound):
    code = "no_factoids"


class FeedQuery(msgspec.Struct, frozen=True):
    """What a page of the feed is asked for; everything but `cursor` and `limit` is its filter."""

    sort: Sort | None = None
    category: Category | None = None
    model: str | None = None
    q: str | None = None
    since: datetime | None = None
    limit: int = 20
    cursor: str | None = None

    @property
    def identity(self) -> str:
        return repr((self.sort, self.category, self.model, self.q, self.since))


class Feed(msgspec.Struct):
    items: list[FactoidCard]
    next_cursor: str | None


class FactoidService:
    def __init__(self, reads: FactoidReads, cursors: Cursors) -> None:
        self._reads = reads
        self._cursors = cursors
        self._counts = CategoryCounts(reads)

    async def page(self, query: FeedQuery, voter_id: UUID | None) -> Feed:
        """One page of the feed, with at most two statements.

        Raises:
            InvalidCursor: The cursor was altered or belongs to another question.
            Invalid: The order needs a search, or the search holds no word.
        """
        found = search_words(query.q)
        if query.q and query.q.strip() and not found:
            return Feed([], None)
        sort = query.sort or ("relevance" if found else "new")
        if sort == "relevance" and not found:
            raise Invalid("Sorting by relevance needs a search: add q.", field="sort")
        place = self._cursors.read(query.identity, query.cursor) if query.cursor else []
        if sort == "random":
            return await self._shuffled(query, voter_id, found, place)
        order = place[0] if place else sort
        page = await self._ordered(query, voter_id, order, found, place)
        if found and not place and not page.items:
            return await self._ordered(query, voter_id, "similar", found, [])
        return page

    async def _ordered(
        self,
        query: FeedQuery,
        voter_id: UUID | None,
        order: str,
        found: list[str],
        place: list[Any],
    ) -> Feed:
        shape, values = _shape(query, voter_id, order, found, after=bool(place))
        if place:
            values |= {"after_key": _key_in(order, place[1]), "after_id": UUID(bytes=place[2])}
        cards = await self._reads.page(shape, **values)
        items = cards[: query.limit]
        if order == "similar":
            for card in items:
                card.marked = mark_alike(card.text, found)
        if len(cards) <= query.limit:
            return Feed(items, None)
        return Feed(items, self._cursors.write(query.identity, [order, *_place(items[-1])]))

    async def _shuffled(
        self, query: FeedQuery, voter_id: UUID | None, found: list[str], place: list[Any]
    ) -> Feed:
        """Once around the ring of shuffle keys from a random start, so that nothing repeats."""
        start, wrapped = (place[3], place[4]) if place else (random.random(), False)
        shape, values = _shape(query, voter_id, "random", found, after=True)
        after = (
            {"after_key": place[1], "after_id": UUID(bytes=place[2])} if place else _before(start)
        )
        shape = replace(shape, wrapped=wrapped)
        cards = await self._reads.page(shape, **values, **after, start=start)
        if len(cards) <= query.limit and not wrapped:
            wrapped = True
            rest = replace(shape, wrapped=True)
            cards += await self._reads.page(rest, **values, **_before(0.0), start=start)
        items = cards[: query.limit]
        if len(cards) <= query.limit:
            return Feed(items, None)
        # The last item may still lie before the seam although the rest was fetched already.
        beyond = wrapped and isinstance(items[-1].sort_key, float) and items[-1].sort_key < start
        mark = ["random", *_place(items[-1]), start, beyond]
        return Feed(items, self._cursors.write(query.identity, mark))

    async def one(self, factoid_id: UUID, voter_id: UUID | None) -> FactoidCard:
        """Raises: FactoidNotFound: No factoid has this id."""
        card = await self._reads.card(factoid_id, voter_id)
        if card is None:
            raise FactoidNotFound("There is no such factoid. It may have been taken down.")
        return card

    async def of_day(self, day: date) -> FactoidCard:
        """The factoid of a UTC date: any one that was there before it began, the same all day.

        Raises:
            Invalid: The day has not begun.
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
        """How many factoids each category holds, also those that hold none."""
        counts = await self._counts.get()
        return {category: counts.get(category, 0) for category in Category}


class CategoryCounts:
    """How many factoids each category holds, counted anew only when there are others.

    Counting reads the whole table; which factoid came last is one step in an index.
    """

    def __init__(self, reads: FactoidReads) -> None:
        self._reads = reads
        self._counting = asyncio.Lock()
        self._newest: UUID | None = None
        self._counted_at = float("-inf")
        self._counts: dict[str, int] = {}

    async def get(self) -> dict[str, int]:
        async with self._counting:
            newest = await self._reads.newest_id()
            now = time.monotonic()
            if newest != self._newest or now - self._counted_at > COUNTS_KEPT_S:
                self._counts = await self._reads.count_by_category()
                self._newest, self._counted_at = newest, now
            return self._counts


def _shape(
    query: FeedQuery, voter_id: UUID | None, order: str, found: list[str], *, after: bool
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
        search=bool(found) and not similar,
    )
    return shape, {
        "query": " ".join(found) if similar else prefix_query(found),
        "category": query.category,
        "model": query.model,
        "since": query.since,
        "voter": voter_id,
    }


def _place(card: FactoidCard) -> list[Any]:
    key = card.sort_key
    if isinstance(key, datetime):
        return [_micros(key), card.id.bytes]
    return [key, card.id.bytes]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _key_in(order: str, key: Any) -> Any:
    return _EPOCH + timedelta(microseconds=key) if order == "new" else key


def _before(start: float) -> dict[str, Any]:
    """A place on the ring just before `start`."""
    return {"after_key": start, "after_id": UUID(int=0)}


__all__ = [
    "FactoidNotFound",
    "FactoidService",
    "Feed",
    "FeedQuery",
    "InvalidCursor",
    "NoFactoids",
    "Sort",
]
