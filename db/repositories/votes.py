"""Votes and feedback."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Factoid, Feedback, Vote

CAST = text("SELECT up, down FROM cast_vote(:factoid_id, :voter_id, CAST(:value AS smallint))")


class VoteRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def cast(self, factoid_id: UUID, voter_id: UUID, value: int) -> tuple[int, int] | None:
        """Replace the voter's vote and move the tally by the difference.

        The rule is in `db/functions/cast_vote.sql`.

        Returns:
            The factoid's votes up and down, or None when there is no such factoid.
        """
        result = await self._session.execute(
            CAST, {"factoid_id": factoid_id, "voter_id": voter_id, "value": value}
        )
        row = result.one_or_none()
        return (row.up, row.down) if row else None

    async def standing(self, factoid_id: UUID, voter_id: UUID) -> int | None:
        """The voter's vote, -1 or 1; None without one."""
        value = await self._session.scalar(
            select(Vote.value).where(Vote.factoid_id == factoid_id, Vote.voter_id == voter_id)
        )
        return value or None

    async def factoid_exists(self, factoid_id: UUID) -> bool:
        found = await self._session.scalar(select(Factoid.id).where(Factoid.id == factoid_id))
        return found is not None

    async def add_feedback(self, feedback: Feedback) -> Feedback:
        self._session.add(feedback)
        await self._session.flush()
        await self._session.refresh(feedback)
        return feedback
