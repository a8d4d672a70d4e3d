"""Stored factoids that a caller has not seen yet."""

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
    exists,
    func,
    literal_column,
    select,
)

from db.compiled import Compiled, compiled
from db.models import Factoid, GenerationRequest, Tally, Vote
from db.reads import Reads
from db.repositories.factoids import (
    QUERY,
    SEARCHED_WORDS,
    WORD_SIMILARITY,
    FactoidCard,
    card_columns,
)

Strategy = Literal["search", "similar", "category", "from", "below"]
"""How to find one: by words, by similar words, in categories, or by shuffle key from a start on
and below it."""

RANKED_AT_MOST = 50
"""How many of the newest matches of a search are ranked."""


@cache
def unseen_statement(strategy: Strategy) -> Compiled:
    """The statement that finds a factoid by this strategy."""
    if strategy == "search":
        return compiled(_best_match())
    start = bindparam("start", type_=Double())
    newest_first = (Factoid.created_at.desc(), Factoid.id.desc())
    by_shuffle_key = (Factoid.shuffle_key, Factoid.id)
    strategies: dict[str, tuple[ColumnElement[bool], tuple[Any, ...]]] = {
        "similar": (
            bindparam("query").op("<%")(Factoid.text_key),
            (WORD_SIMILARITY.desc(), Factoid.id.desc()),
        ),
        "category": (
            Factoid.category == any_(bindparam("categories", type_=ARRAY(String()))),
            newest_first,
        ),
        "from": (Factoid.shuffle_key >= start, by_shuffle_key),
        "below": (Factoid.shuffle_key < start, by_shuffle_key),
    }
    condition, order = strategies[strategy]
    cards = select(*card_columns()).select_from(Factoid).where(condition, *_unseen())
    cards = cards.join(Tally, Tally.factoid_id == Factoid.id)
    return compiled(cards.order_by(*order).limit(literal_column("1")))


def _best_match() -> Select[Any]:
    newest = select(Factoid.id).where(SEARCHED_WORDS.op("@@")(QUERY), *_unseen())
    newest = newest.order_by(Factoid.created_at.desc(), Factoid.id.desc())
    matches = newest.limit(literal_column(str(RANKED_AT_MOST))).subquery("matches")
    cards = select(*card_columns()).select_from(matches)
    cards = cards.join(Factoid, Factoid.id == matches.c.id)
    cards = cards.join(Tally, Tally.factoid_id == Factoid.id)
    rank = func.ts_rank_cd(SEARCHED_WORDS, QUERY)
    return cards.order_by(rank.desc(), Factoid.id.desc()).limit(literal_column("1"))


def _unseen() -> list[ColumnElement[bool]]:
    """Not voted on by the caller, not generated for them and not in their list of seen ids."""
    caller = bindparam("caller", type_=Uuid())
    voted = exists().where(Vote.factoid_id == Factoid.id, Vote.voter_id == caller)
    requested = exists().where(
        GenerationRequest.caller_id == caller, GenerationRequest.factoid_id == Factoid.id
    )
    seen: Any = all_(bindparam("seen", type_=ARRAY(Uuid())))
    return [~voted, ~requested, Factoid.id != seen]


class VaultReads:
    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def find_unseen(
        self, strategy: Strategy, caller_id: UUID | None, seen: Sequence[UUID], **values: Any
    ) -> FactoidCard | None:
        statement = unseen_statement(strategy)
        parameters = {"caller": caller_id, "seen": list(seen), **values}
        row = await self._reads.fetchrow(statement.sql, *statement.arguments(parameters))
        return FactoidCard(*row) if row else None
