"""Whether a turn may begin, and what of it is given back when nothing comes of it.

The one place for that: whatever else may pay for a turn is asked here too.
"""

from contextlib import suppress
from decimal import Decimal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import ChatTurn
from db.repositories.chats import ChatTurnRepository
from db.repositories.outbox import OutboxRepository
from domain.caller import Caller
from domain.limits.budget import Budget, BudgetState, BudgetUsedUp
from domain.limits.rate_limit import LimiterAway, RateLimiter, refusal
from domain.limits.states import PolicyState
from domain.logging import current_request_id

POLICY = "chat"
JOB = "return_chat_allowance"

log = structlog.get_logger()


def job_key(turn_id: UUID) -> str:
    return f"return-chat:{turn_id}"


class Admission:
    """Counts a turn against the caller's free messages, and holds the money for its first call."""

    def __init__(self, limiter: RateLimiter, budget: Budget) -> None:
        self._limiter = limiter
        self._budget = budget

    async def admit(self, caller: Caller, turn_id: UUID) -> None:
        """Count one message.

        Raises:
            TooManyMessages: The caller or their network have had their share.
            LimiterAway: How much they have had cannot be told.
        """
        await self._limiter.hit(POLICY, caller, member=str(turn_id))

    async def hold(
        self, session: AsyncSession, caller: Caller, call_id: UUID, usd: Decimal
    ) -> None:
        """Hold the most a model call can cost; comes last in a transaction.

        Raises:
            BudgetUsedUp: There is no money for it.
        """
        await self._budget.reserve(session, caller, call_id, usd)

    async def note_refusal(
        self, sessions: async_sessionmaker[AsyncSession], caller: Caller, refused: BudgetUsedUp
    ) -> None:
        """Remember for the owner that there was no money for a message."""
        async with sessions.begin() as session:
            await self._budget.note_refusal(session, refused)
        await self._limiter.count_refusal(POLICY, caller, "budget")

    async def take_back(self, caller: Caller, turn_id: UUID) -> None:
        """Uncount a message that never was; one that cannot be uncounted now stays counted."""
        with suppress(LimiterAway):
            await self._limiter.give_back(POLICY, caller.id, caller.network, str(turn_id))

    async def left(self, caller: Caller) -> tuple[PolicyState, str | None]:
        """What the caller may still say, and why the next message would be refused.

        Raises:
            LimiterAway: It cannot be told.
        """
        states = await self._limiter.left(caller)
        state = next(one for one in states if one.policy.name == POLICY)
        full = state.refused_by
        return state, refusal(state.policy, full).detail if full else None

    async def budget_left(
        self, session: AsyncSession, caller: Caller, least_usd: Decimal
    ) -> BudgetState:
        return await self._budget.state(session, caller, least_usd=least_usd)


async def promise_back(session: AsyncSession, turn_id: UUID) -> None:
    """Write down that a message is to be uncounted; so it is if this transaction commits."""
    await OutboxRepository(session).add(
        JOB, job_key(turn_id), turn_id=str(turn_id), meta={"request_id": current_request_id()}
    )


async def give_back(
    sessions: async_sessionmaker[AsyncSession], limiter: RateLimiter, turn_id: UUID
) -> None:
    """Keep the promise. Done twice, the second finds nothing to give back.

    Raises:
        LimiterAway: Not now; the promise stands.
    """
    async with sessions() as session:
        turn = await ChatTurnRepository(session).get(turn_id)
    if turn:
        await limiter.give_back(POLICY, turn.caller_id, turn.network, str(turn_id))
    async with sessions.begin() as session:
        await OutboxRepository(session).done(job_key(turn_id))


def caller_of(turn: ChatTurn) -> Caller:
    """Who asked for a turn."""
    kind = "key" if turn.caller_kind == "key" else "visitor"
    return Caller(kind, turn.caller_id, turn.network, budget_usd=turn.budget_usd)
