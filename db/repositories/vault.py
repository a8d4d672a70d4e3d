"""Stored factoids that somebody has not met yet."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Select,
    String,
    Uuid,
    all_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    select,
)

from db.compiled import Compiled, compiled
from db.models import Factoid, GenerationRequest, Tally, Vote
from db.reads import Reads
from db.repositories.factoids import COLUMNS, QUERY, FactoidCard

Way = Literal["search", "similar", "category", "from", "below"]
"""How to look: by words, by words like them, in categories, or on the ring of shuffle keys from a
place on, and below it."""

COMPARED = 50
"""How many of the newest matches are compared for the best."""


@cache
def unmet_statement(way: Way) -> Compiled:
    """The one statement that finds a factoid in this way."""
    if way == "search":
        return compiled(_best_match())
    query = bindparam("query")
    alike = cast(func.word_similarity(query, Factoid.text_key), Double)
    place = bindparam("start", type_=Double())
    wanted: dict[str, tuple[ColumnElement[bool], tuple[Any, ...]]] = {
        "similar": (query.op("<%")(Factoid.text_key), (alike.desc(), Factoid.id.desc())),
        "category": (
            Factoid.category == any_(bindparam("categories", type_=ARRAY(String()))),
            (Factoid.created_at.desc(), Factoid.id.desc()),
        ),
        "from": (Factoid.shuffle_key >= place, (Factoid.shuffle_key, Factoid.id)),
        "below": (Factoid.shuffle_key < place, (Factoid.shuffle_key, Factoid.id)),
    }
    condition, order = wanted[way]
    found = _cards().select_from(Factoid).where(condition, *_unmet())
    found = found.join(Tally, Tally.factoid_id == Factoid.id)
    return compiled(found.order_by(*order).limit(literal_column("1")))


def _best_match() -> Select[Any]:
    newest = select(Factoid.id).where(Factoid.search.op("@@")(QUERY), *_unmet())
    newest = newest.order_by(Factoid.created_at.desc(), Factoid.id.desc())
    compared = newest.limit(literal_column(str(COMPARED))).subquery("compared")
    found = _cards().select_from(compared).join(Factoid, Factoid.id == compared.c.id)
    found = found.join(Tally, Tally.factoid_id == Factoid.id)
    rank = func.ts_rank_cd(Factoid.search, QUERY)
    return found.order_by(rank.desc(), Factoid.id.desc()).limit(literal_column("1"))


def _cards() -> Select[Any]:
    return select(*COLUMNS)


def _unmet() -> list[ColumnElement[bool]]:
    """Not voted on, not asked for, not named."""
    caller = bindparam("caller", type_=Uuid())
    voted = exists().where(Vote.factoid_id == Factoid.id, Vote.voter_id == caller)
    asked = exists().where(
        GenerationRequest.caller_id == caller, GenerationRequest.factoid_id == Factoid.id
    )
    named: Any = all_(bindparam("seen", type_=ARRAY(Uuid())))
    return [~voted, ~asked, Factoid.id != named]


class VaultReads:
    """Looks for one factoid at a time."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def unmet(
        self, way: Way, caller_id: UUID | None, seen: Sequence[UUID], **values: Any
    ) -> FactoidCard | None:
        statement = unmet_statement(way)
        known = {"caller": caller_id, "seen": list(seen), **values}
        row = await self._reads.fetchrow(statement.sql, *statement.arguments(known))
        return FactoidCard(*row) if row else None
