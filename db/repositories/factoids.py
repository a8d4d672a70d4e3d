"""Every query on factoids: the hot reads on plain asyncpg, the writes on a session."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
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
from db.reads import Reads

RELEVANT_AT_MOST = 500
"""How many of the newest matches a search ranks; ranking all of a common word takes too long."""

PUBLISHING = 0xFAC701D
"""Names the lock that publishing takes."""

MATCH_START, MATCH_END = "\ue000", "\ue001"
"""Put around matches; private-use characters, which no factoid contains."""


class FactoidCard(msgspec.Struct, gc=False):
    """What a page shows of a factoid; `key` is where it stands in the order asked for."""

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
    my_vote: int | None = None
    key: float | datetime | None = None
    marked: str | None = None


class Shape(msgspec.Struct, frozen=True):
    """Which conditions and columns a page needs; one compiled statement for each."""

    order: str
    limit: int
    category: bool = False
    model: bool = False
    since: bool = False
    after: bool = False
    voter: bool = False
    search: bool = False
    wrapped: bool = False


PLAIN = FactoidCard.__struct_fields__[:15]
COLUMNS: list[ColumnElement[Any]] = [
    getattr(Tally if name.startswith("votes_") else Factoid, name) for name in PLAIN
]
ENGLISH: ColumnElement[Any] = literal_column("'english'::regconfig")
HEADLINE: ColumnElement[Any] = literal_column(
    f"'HighlightAll=true,StartSel={MATCH_START},StopSel={MATCH_END}'"
)
QUERY = func.to_tsquery(ENGLISH, bindparam("query"))
WORD_SIMILARITY = cast(func.word_similarity(bindparam("query"), Factoid.text_key), Double)
KEYS: dict[str, ColumnElement[Any]] = {
    "new": Factoid.created_at.expression,
    "top": Tally.top_rank.expression,
    "hot": Tally.hot_rank.expression,
    "controversial": Tally.controversy_rank.expression,
    "random": Factoid.shuffle_key.expression,
    "relevance": cast(func.ts_rank_cd(Factoid.search, QUERY), Double),
    "similar": WORD_SIMILARITY,
}
RANKED_BY_TALLY = {"top", "hot", "controversial"}


def _filters(shape: Shape) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if shape.category:
        wanted.append(Factoid.category == bindparam("category"))
    if shape.model:
        wanted.append(Factoid.model == bindparam("model"))
    if shape.since:
        wanted.append(Factoid.created_at >= bindparam("since"))
    if shape.wrapped:
        wanted.append(Factoid.shuffle_key < bindparam("start"))
    if shape.search:
        wanted.append(Factoid.search.op("@@")(QUERY))
    if shape.order == "similar":
        wanted.append(bindparam("query").op("<%")(Factoid.text_key))
    return wanted


def _newest_matches(shape: Shape) -> Any:
    found = select(Factoid.id).where(*_filters(shape))
    return (
        found.order_by(Factoid.created_at.desc(), Factoid.id.desc())
        .limit(literal_column(str(RELEVANT_AT_MOST)))
        .subquery("found")
    )


@lru_cache(maxsize=1_024)
def page_statement(shape: Shape) -> Compiled:
    """The one statement for a page of this shape."""
    key = KEYS[shape.order]
    # The order's own index has to name the id of its own table.
    key_id = Tally.factoid_id if shape.order in RANKED_BY_TALLY else Factoid.id
    mine = Vote.value if shape.voter else null()
    marked = func.ts_headline(ENGLISH, Factoid.text, QUERY, HEADLINE) if shape.search else null()
    statement: Select[Any] = select(*COLUMNS, mine, key.label("key"), marked)
    if shape.order == "relevance":
        found = _newest_matches(shape)
        statement = statement.select_from(found).join(Factoid, Factoid.id == found.c.id)
    else:
        statement = statement.select_from(Factoid).where(*_filters(shape))
    statement = statement.join(Tally, Tally.factoid_id == Factoid.id)
    if shape.voter:
        mine_too = and_(Vote.factoid_id == Factoid.id, Vote.voter_id == bindparam("voter"))
        statement = statement.outerjoin(Vote, mine_too)
    if shape.after:
        place = tuple_(
            bindparam("after_key", type_=key.type), bindparam("after_id", type_=Factoid.id.type)
        )
        here = tuple_(key, key_id)
        statement = statement.where(here > place if shape.order == "random" else here < place)
    order = (key, key_id) if shape.order == "random" else (key.desc(), key_id.desc())
    return compiled(statement.order_by(*order).limit(literal_column(str(shape.limit))))


@lru_cache(maxsize=2)
def one_statement(voter: bool) -> Compiled:
    mine = Vote.value if voter else null()
    statement: Select[Any] = select(*COLUMNS, mine)
    statement = statement.select_from(Factoid).join(Tally, Tally.factoid_id == Factoid.id)
    if voter:
        mine_too = and_(Vote.factoid_id == Factoid.id, Vote.voter_id == bindparam("voter"))
        statement = statement.outerjoin(Vote, mine_too)
    return compiled(statement.where(Factoid.id == bindparam("id")))


@lru_cache(maxsize=1)
def of_day_statement() -> Compiled:
    statement: Select[Any] = (
        select(*COLUMNS)
        .select_from(Factoid)
        .join(Tally, Tally.factoid_id == Factoid.id)
        .where(Factoid.created_at < bindparam("midnight"), Factoid.shuffle_key >= bindparam("at"))
        .order_by(Factoid.shuffle_key, Factoid.id)
        .limit(literal_column("1"))
    )
    return compiled(statement)


class FactoidReads:
    """The reads every visitor causes: one statement each, no session, no objects to track."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(self, shape: Shape, **values: Any) -> list[FactoidCard]:
        """Up to `shape.limit` factoids in the order asked for."""
        statement = page_statement(shape)
        rows = await self._reads.fetch(statement.sql, *statement.arguments(values))
        return [FactoidCard(*row) for row in rows]

    async def one(self, factoid_id: UUID, voter_id: UUID | None) -> FactoidCard | None:
        statement = one_statement(voter_id is not None)
        row = await self._reads.fetchrow(
            statement.sql, *statement.arguments({"id": factoid_id, "voter": voter_id})
        )
        return FactoidCard(*row) if row else None

    async def of_day(self, midnight: datetime, at: float) -> FactoidCard | None:
        """The first factoid on the ring from `at` on that was there before `midnight`."""
        statement = of_day_statement()
        row = await self._reads.fetchrow(
            statement.sql, *statement.arguments({"midnight": midnight, "at": at})
        )
        return FactoidCard(*row) if row else None

    async def newest_id(self) -> UUID | None:
        """The factoid that was written down last, whenever it says it was published."""
        return await self._reads.fetchval("SELECT id FROM factoids ORDER BY id DESC LIMIT 1")

    async def categories(self) -> dict[str, int]:
        """How many factoids each category holds."""
        rows = await self._reads.fetch("SELECT category, count(*) FROM factoids GROUP BY category")
        return {row[0]: row[1] for row in rows}


class FactoidRepository:
    """Writing factoids, and finding those that say the same."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, factoid: Factoid) -> None:
        """Insert a factoid with an empty tally.

        Raises:
            sqlalchemy.exc.IntegrityError: Another one has the same `text_key`.
        """
        self._session.add(factoid)
        await self._session.flush()
        fresh = func.hot_rank(0, 0, factoid.created_at, func.now())
        self._session.add(
            Tally(factoid_id=factoid.id, published_at=factoid.created_at, hot_rank=fresh)
        )
        await self._session.flush()

    async def most_similar(self, text_key: str, *, at_least: float) -> Factoid | None:
        """The published factoid whose words are most like these, if alike enough (0 to 1)."""
        await self._session.execute(
            select(func.set_config("pg_trgm.similarity_threshold", str(at_least), True))
        )
        alike = func.similarity(Factoid.text_key, text_key)
        return await self._session.scalar(
            select(Factoid)
            .where(Factoid.text_key.op("%")(text_key))
            .order_by(alike.desc())
            .limit(1)
        )

    async def hold_publishing(self) -> None:
        """Make others who publish wait, so that two like texts at once are compared."""
        await self._session.execute(select(func.pg_advisory_xact_lock(PUBLISHING)))

    async def known_keys(self, keys: Sequence[str]) -> set[str]:
        """Which of these normalised texts are published already."""
        found = await self._session.scalars(
            select(Factoid.text_key).where(Factoid.text_key.in_(keys))
        )
        return set(found)

    async def texts_about(self, topic_words: Sequence[str], limit: int) -> list[str]:
        """The newest texts that hold any of these words."""
        if not topic_words:
            return []
        query = func.to_tsquery(ENGLISH, " | ".join(topic_words))
        about = select(Factoid.text).where(Factoid.search.op("@@")(query))
        newest = about.order_by(Factoid.created_at.desc()).limit(limit)
        return list(await self._session.scalars(newest))

    async def newest_texts(self, limit: int) -> list[str]:
        newest = select(Factoid.text).order_by(Factoid.created_at.desc(), Factoid.id.desc())
        return list(await self._session.scalars(newest.limit(limit)))

    async def refresh_hot_ranks(self) -> None:
        """Let the ranks of the last week's factoids sink with their age."""
        await self._session.execute(
            Tally.__table__.update()  # pyright: ignore[reportAttributeAccessIssue]
            .where(Tally.hot_rank > 0)
            .values(
                hot_rank=func.hot_rank(
                    Tally.votes_up, Tally.votes_down, Tally.published_at, func.now()
                )
            )
        )
