"""Votes and written feedback."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Feedback
from db.repositories.votes import VoteRepository
from domain.errors import Invalid, RateLimited
from domain.factoids import FactoidNotFound
from domain.text import clean, graphemes

VoteValue = Literal[-1, 0, 1]

FEEDBACK_PER_HOUR = 20
FEEDBACK_PER_HOUR_AND_NETWORK = 100
HOUR = timedelta(hours=1)
COMMENT_GRAPHEMES = 1_000


class TooMuchFeedback(RateLimited):
    code = "too_much_feedback"


class EmptyFeedback(Invalid):
    code = "empty_feedback"


@dataclass(frozen=True)
class VoteCount:
    """A factoid's votes once the caller's is counted."""

    factoid_id: UUID
    votes_up: int
    votes_down: int
    my_vote: int | None


class VoteService:
    """One standing vote per voter and factoid, always reflected in the tally."""

    def __init__(self, session: AsyncSession) -> None:
        self._votes = VoteRepository(session)

    async def cast(self, factoid_id: UUID, *, voter_id: UUID, value: VoteValue) -> VoteCount:
        """Cast, change or (with 0) withdraw a vote; repeating one changes nothing.

        Raises:
            FactoidNotFound: No factoid has this id.
        """
        tally = await self._votes.cast(factoid_id, voter_id, value)
        if tally is None:
            raise FactoidNotFound("There is no such factoid. It may have been taken down.")
        return VoteCount(factoid_id, tally[0], tally[1], value or None)

    async def leave_feedback(
        self,
        factoid_id: UUID,
        *,
        visitor_id: UUID,
        network: str | None,
        comment: str | None,
        tags: Sequence[str],
        value: VoteValue | None = None,
    ) -> tuple[Feedback, VoteCount | None]:
        """Keep why somebody thinks a factoid is good or bad, with their standing vote.

        With a `value` that vote is cast first; the count of it comes back too.

        Raises:
            FactoidNotFound: No factoid has this id.
            EmptyFeedback: Neither a comment nor a tag was given.
            TooMuchFeedback: The visitor, or their network, left too much within the hour.
        """
        said = clean(comment) if comment else ""
        if not said and not tags:
            raise EmptyFeedback("Write a comment or pick a tag.", field="/comment")
        if graphemes(said) > COMMENT_GRAPHEMES:
            raise Invalid("A comment has at most 1,000 characters.", field="/comment")
        if not await self._votes.factoid_exists(factoid_id):
            raise FactoidNotFound("There is no such factoid. It may have been taken down.")
        await self._hold_back(visitor_id, network)
        count = None
        if value is not None:
            count = await self.cast(factoid_id, voter_id=visitor_id, value=value)
        feedback = await self._votes.add_feedback(
            Feedback(
                factoid_id=factoid_id,
                visitor_id=visitor_id,
                network=network,
                vote=await self._votes.standing(factoid_id, visitor_id),
                comment=said or None,
                tags=sorted(set(tags)),
            )
        )
        return feedback, count

    async def _hold_back(self, visitor_id: UUID, network: str | None) -> None:
        """Both are counted with the lock held that others of them wait for."""
        now = datetime.now(UTC)
        times = await self._votes.feedback_by_visitor(visitor_id, now - HOUR)
        _refuse_more_than(FEEDBACK_PER_HOUR, times, now)
        if network:
            # A visitor without a cookie is a new one each time.
            times = await self._votes.feedback_from_network(network, now - HOUR)
            _refuse_more_than(FEEDBACK_PER_HOUR_AND_NETWORK, times, now)


def _refuse_more_than(limit: int, times: Sequence[datetime], now: datetime) -> None:
    if len(times) >= limit:
        wait = times[-limit] + HOUR - now
        raise TooMuchFeedback(
            "You have left a lot of feedback. Thank you; there is room for more later.",
            retry_after_s=max(1, int(wait.total_seconds()) + 1),
        )
