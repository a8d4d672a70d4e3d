"""Every query on factoids: the hot reads on plain asyncpg, the writes on a session."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import starmap
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db.compiled import Compiled, compiled
from db.models import Factoid, Tally, Vote
from db.models.factoid import SEARCHED
from db.reads import Reads

RELEVANT_AT_MOST = 500
"""How many of the newest matches a search ranks; ranking all of a common word takes too long."""

PUBLISH_LOCK = 0xFAC701D
"""Key of the advisory lock that publishing takes."""

MATCH_START, MATCH_END = "\ue000", "\ue001"
"""Put around matches; private-use characters, which no factoid contains."""


class FactoidCard(msgspec.Struct, gc=False):
    """A published factoid with its tally, as the hot reads select it."""

    id: UUID
    text: str
    subject: str
    emoji: str
    category: str
    created_at: datetime
    votes_up: int
    votes_down: int
    origin: str
    model: str | None
    cost_usd: Decimal | None
    prompt_tokens: int | None
    completion_tokens: int | None
    generation_s: float | None
    source_url: str | None
    my_vote: int | None
    """The reader's vote; 0 after it was withdrawn."""
    sort_key: float | datetime | None
    """The value the page is ordered by, for the cursor of the next page."""
    marked: str | None
    """The text with its search matches between `MATCH_START` and `MATCH_END`."""


def card_columns(**computed: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """One column for each field of `FactoidCard`, in the order of the fields.

    A field is computed, or a column of `Factoid` or `Tally`; what is neither is null.
    """
    stored = {**Tally.__table__.columns, **Factoid.__table__.columns}
    return [
        stored[name] if name in stored else computed.get(name, null()).label(name)
        for name in FactoidCard.__struct_fields__
    ]


class PageShape(msgspec.Struct, frozen=True):
    """Which conditions and columns a page's statement has; each shape is compiled once."""

    order: str
    limit: int
    category: bool = False
    model: bool = False
    since: bool = False
    after: bool = False
    voter: bool = False
    search: bool = False
    wrapped: bool = False


ENGLISH: ColumnElement[Any] = literal_column("'english'::regconfig")
HEADLINE: ColumnElement[Any] = literal_column(
    f"'HighlightAll=true,StartSel={MATCH_START},StopSel={MATCH_END}'"
)
SEARCHED_WORDS: ColumnElement[Any] = literal_column(SEARCHED)
QUERY = func.to_tsquery(ENGLISH, bindparam("query"))
WORD_SIMILARITY = cast(func.word_similarity(bindparam("query"), Factoid.text_key), Double)
SORT_KEYS: dict[str, ColumnElement[Any]] = {
    "new": Factoid.created_at.expression,
    "top": Tally.top_rank.expression,
    "hot": Tally.hot_rank.expression,
    "controversial": Tally.controversy_rank.expression,
    "random": Factoid.shuffle_key.expression,
    "relevance": cast(func.ts_rank_cd(SEARCHED_WORDS, QUERY), Double),
    "similar": WORD_SIMILARITY,
}
RANKED_BY_TALLY = {"top", "hot", "controversial"}
OWN_VOTE = and_(Vote.factoid_id == Factoid.id, Vote.voter_id == bindparam("voter"))


def _filters(shape: PageShape) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if shape.category:
        filters.append(Factoid.category == bindparam("category"))
    if shape.model:
        filters.append(Factoid.model == bindparam("model"))
    if shape.since:
        filters.append(Factoid.created_at >= bindparam("since"))
    if shape.wrapped:
        filters.append(Factoid.shuffle_key < bindparam("start"))
    if shape.search:
        filters.append(SEARCHED_WORDS.op("@@")(QUERY))
    if shape.order == "similar":
        filters.append(bindparam("query").op("<%")(Factoid.text_key))
    return filters


def _newest_matches(shape: PageShape) -> Any:
    matches = select(Factoid.id).where(*_filters(shape))
    return (
        matches.order_by(Factoid.created_at.desc(), Factoid.id.desc())
        .limit(literal_column(str(RELEVANT_AT_MOST)))
        .subquery("matches")
    )


@lru_cache(maxsize=1_024)
def page_statement(shape: PageShape) -> Compiled:
    """The statement for a page of this shape."""
    key = SORT_KEYS[shape.order]
    # The index of an order contains the id of its own table only.
    key_id = Tally.factoid_id if shape.order in RANKED_BY_TALLY else Factoid.id
    computed: dict[str, ColumnElement[Any]] = {"sort_key": key}
    if shape.voter:
        computed["my_vote"] = Vote.value.expression
    if shape.search:
        computed["marked"] = func.ts_headline(ENGLISH, Factoid.text, QUERY, HEADLINE)
    statement: Select[Any] = select(*card_columns(**computed))
    if shape.order == "relevance":
        matches = _newest_matches(shape)
        statement = statement.select_from(matches).join(Factoid, Factoid.id == matches.c.id)
    else:
        statement = statement.select_from(Factoid).where(*_filters(shape))
    statement = statement.join(Tally, Tally.factoid_id == Factoid.id)
    if shape.voter:
        statement = statement.outerjoin(Vote, OWN_VOTE)
    if shape.after:
        last = tuple_(
            bindparam("after_key", type_=key.type), bindparam("after_id", type_=Factoid.id.type)
        )
        row = tuple_(key, key_id)
        statement = statement.where(row > last if shape.order == "random" else row < last)
    order = (key, key_id) if shape.order == "random" else (key.desc(), key_id.desc())
    return compiled(statement.order_by(*order).limit(literal_column(str(shape.limit))))


@lru_cache(maxsize=2)
def factoid_statement(voter: bool) -> Compiled:
    """The statement for the factoid `id`, with the vote of `voter` if one is given."""
    columns = card_columns(my_vote=Vote.value.expression) if voter else card_columns()
    statement: Select[Any] = select(*columns).select_from(Factoid)
    statement = statement.join(Tally, Tally.factoid_id == Factoid.id)
    if voter:
        statement = statement.outerjoin(Vote, OWN_VOTE)
    return compiled(statement.where(Factoid.id == bindparam("id")))


@lru_cache(maxsize=1)
def fact_of_day_statement() -> Compiled:
    statement: Select[Any] = (
        select(*card_columns())
        .select_from(Factoid)
        .join(Tally, Tally.factoid_id == Factoid.id)
        .where(Factoid.created_at < bindparam("midnight"), Factoid.shuffle_key >= bindparam("at"))
        .order_by(Factoid.shuffle_key, Factoid.id)
        .limit(literal_column("1"))
    )
    return compiled(statement)


class FactoidReads:
    """The reads of every page: one statement each, without a session or tracked objects."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(self, shape: PageShape, **values: Any) -> list[FactoidCard]:
        """Up to `shape.limit` factoids in the shape's order."""
        statement = page_statement(shape)
        rows = await self._reads.fetch(statement.sql, *statement.arguments(values))
        return list(starmap(FactoidCard, rows))

    async def card(self, factoid_id: UUID, voter_id: UUID | None) -> FactoidCard | None:
        statement = factoid_statement(voter_id is not None)
        row = await self._reads.fetchrow(
            statement.sql, *statement.arguments({"id": factoid_id, "voter": voter_id})
        )
        return FactoidCard(*row) if row else None

    async def fact_of_day(self, midnight: datetime, at: float) -> FactoidCard | None:
        """The factoid published before `midnight` with the lowest shuffle key from `at` on."""
        statement = fact_of_day_statement()
        row = await self._reads.fetchrow(
            statement.sql, *statement.arguments({"midnight": midnight, "at": at})
        )
        return FactoidCard(*row) if row else None

    async def newest_id(self) -> UUID | None:
        """The id of the row inserted last, whatever its time of publication."""
        return await self._reads.fetchval("SELECT id FROM factoids ORDER BY id DESC LIMIT 1")

    async def count_by_category(self) -> dict[str, int]:
        rows = await self._reads.fetch("SELECT category, count(*) FROM factoids GROUP BY category")
        return {row["category"]: row["count"] for row in rows}


class FactoidRepository:
    """Writes of factoids, and comparisons with those already published."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, factoid: Factoid) -> None:
        """Insert a factoid with an empty tally.

        Raises:
            sqlalchemy.exc.IntegrityError: Another factoid has the same `text_key`.
        """
        self._session.add(factoid)
        await self._session.flush()
        hot_rank = func.hot_rank(0, 0, factoid.created_at, func.now())
        self._session.add(
            Tally(factoid_id=factoid.id, published_at=factoid.created_at, hot_rank=hot_rank)
        )
        await self._session.flush()

    async def most_similar(self, text_key: str, *, at_least: float) -> Factoid | None:
        """The published factoid with the most similar text, from this trigram similarity (0 to 1)
        on.
        """
        await self._session.execute(
            select(func.set_config("pg_trgm.similarity_threshold", str(at_least), True))
        )
        return await self._session.scalar(
            select(Factoid)
            .where(Factoid.text_key.op("%")(text_key))
            .order_by(func.similarity(Factoid.text_key, text_key).desc())
            .limit(1)
        )

    async def lock_publishing(self) -> None:
        """Publish one factoid at a time, so that two similar texts are compared."""
        await self._session.execute(select(func.pg_advisory_xact_lock(PUBLISH_LOCK)))

    async def published_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that a published factoid has."""
        published = await self._session.scalars(
            select(Factoid.text_key).where(Factoid.text_key.in_(keys))
        )
        return set(published)

    async def texts_about(self, query: str, limit: int) -> list[str]:
        """The newest texts that a tsquery finds; none if it is empty."""
        if not query:
            return []
        found = SEARCHED_WORDS.op("@@")(func.to_tsquery(ENGLISH, query))
        about = select(Factoid.text).where(found)
        newest = about.order_by(Factoid.created_at.desc()).limit(limit)
        return list(await self._session.scalars(newest))

    async def newest_texts(self, limit: int) -> list[str]:
        newest = select(Factoid.text).order_by(Factoid.created_at.desc(), Factoid.id.desc())
        return list(await self._session.scalars(newest.limit(limit)))

    async def refresh_hot_ranks(self) -> None:
        """Recompute the ranks that decay with age; those that reached 0 stay there."""
        await self._session.execute(
            Tally.__table__.update()  # pyright: ignore[reportAttributeAccessIssue]
            .where(Tally.hot_rank > 0)
            .values(
                hot_rank=func.hot_rank(
                    Tally.votes_up, Tally.votes_down, Tally.published_at, func.now()
                )
            )
        )
