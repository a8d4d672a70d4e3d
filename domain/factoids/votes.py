"""Votes and written feedback."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Feedback
from db.repositories.votes import VoteRepository
from domain.caller import Caller
from domain.errors import Invalid
from domain.factoids.service import FactoidNotFound
from domain.limits.fallback import hit_with_fallback
from domain.limits.rate_limit import RateLimiter
from domain.text import clean, graphemes

VoteValue = Literal[-1, 0, 1]

COMMENT_GRAPHEMES = 1_000


class EmptyFeedback(Invalid):
    code = "empty_feedback"


@dataclass(frozen=True)
class VoteCount:
    """A factoid's tally after the caller's vote."""

    factoid_id: UUID
    votes_up: int
    votes_down: int
    my_vote: int | None


class VoteService:
    """Keeps one standing vote per voter and factoid: `db/functions/cast_vote.sql`."""

    def __init__(self, session: AsyncSession, limiter: RateLimiter) -> None:
        self._session = session
        self._limiter = limiter
        self._votes = VoteRepository(session)

    async def cast(self, caller: Caller, factoid_id: UUID, value: VoteValue) -> VoteCount:
        """Cast, change or (with 0) withdraw a vote. Idempotent.

        Raises:
            FactoidNotFound: No factoid has this id.
            TooManyVotes: See `hit_with_fallback`.
        """
        await hit_with_fallback(self._limiter, self._session, "vote", caller)
        return await self._cast(_voter(caller), factoid_id, value)

    async def leave_feedback(
        self,
        caller: Caller,
        factoid_id: UUID,
        *,
        comment: str | None,
        tags: Sequence[str],
        value: VoteValue | None = None,
    ) -> tuple[Feedback, VoteCount | None]:
        """Store feedback together with the caller's standing vote.

        With a `value`, that vote is cast first.

        Returns:
            The feedback, and the tally if a vote was cast.

        Raises:
            FactoidNotFound: No factoid has this id.
            EmptyFeedback: Neither a comment nor a tag was given.
            Invalid: The comment is too long.
            TooMuchFeedback: See `hit_with_fallback`.
        """
        text = clean(comment) if comment else ""
        if not text and not tags:
            raise EmptyFeedback("Write a comment or pick a tag.", field="/comment")
        if graphemes(text) > COMMENT_GRAPHEMES:
            raise Invalid("A comment has at most 1,000 characters.", field="/comment")
        if not await self._votes.factoid_exists(factoid_id):
            raise FactoidNotFound("There is no such factoid. It may have been taken down.")
        caller_id = _voter(caller)
        await hit_with_fallback(self._limiter, self._session, "feedback", caller)
        count = None
        if value is not None:
            count = await self._cast(caller_id, factoid_id, value)
        feedback = await self._votes.add_feedback(
            Feedback(
                factoid_id=factoid_id,
                caller_id=caller_id,
                network=caller.network,
                vote=await self._votes.standing(factoid_id, caller_id),
                comment=text or None,
                tags=sorted(set(tags)),
            )
        )
        return feedback, count

    async def _cast(self, voter_id: UUID, factoid_id: UUID, value: VoteValue) -> VoteCount:
        tally = await self._votes.cast(factoid_id, voter_id, value)
        if tally is None:
            raise FactoidNotFound("There is no such factoid. It may have been taken down.")
        return VoteCount(factoid_id, tally[0], tally[1], value or None)


def _voter(caller: Caller) -> UUID:
    if caller.id is None:
        raise Invalid("Only a visitor can vote.")
    return caller.id
