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
from domain.errors import NotPaid, RateLimited
from domain.infra.logging import current_request_id
from domain.limits.rate_limit import LimiterAway, RateLimiter, refusal
from domain.limits.states import PolicyState
from domain.spending.budget import Budget, BudgetState, BudgetUsedUp
from domain.spending.credits import MESSAGES, Credits

POLICY = "chat"
JOB = "return_chat_allowance"

log = structlog.get_logger()


def job_key(turn_id: UUID) -> str:
    return f"return-chat:{turn_id}"


class NoCredits(NotPaid):
    code = "no_credits"


class Admission:
    """Counts a turn against the caller's free messages, or has a credit pay for it when those or
    their money are used up, and holds the money for its calls.
    """

    def __init__(self, limiter: RateLimiter, budget: Budget) -> None:
        self._limiter = limiter
        self._budget = budget

    async def admit(
        self, sessions: async_sessionmaker[AsyncSession], caller: Caller, turn: ChatTurn
    ) -> None:
        """Count one message, or note whose credit is to pay for it.

        Raises:
            TooManyMessages: The caller or their network have had their share, and no credits.
            LimiterAway: How much they have had cannot be told.
        """
        async with sessions() as session:
            credits_left = await self.credits_left(session, caller)
            budget = await self.budget_left(session, caller, turn.quote_usd)
        if credits_left and budget.state == "used_up":
            turn.credit_owner = caller.owner
            return
        try:
            await self._limiter.hit(POLICY, caller, member=str(turn.id))
        except RateLimited:
            if not credits_left:
                raise
            turn.credit_owner = caller.owner

    async def draw(self, session: AsyncSession, turn: ChatTurn) -> None:
        """Set the credit aside that pays for a turn.

        Raises:
            NoCredits: The last one went elsewhere meanwhile.
        """
        owner = turn.credit_owner
        if owner and not await Credits().hold(session, owner, MESSAGES, request_id=turn.id):
            raise NoCredits("You have no messages left. Buy more, or wait for free ones.")

    async def hold(
        self, session: AsyncSession, turn: ChatTurn, call_id: UUID, usd: Decimal
    ) -> None:
        """Hold the most a model call can cost; comes last in a transaction.

        Raises:
            BudgetUsedUp: There is no money for it.
        """
        paid = turn.credit_owner is not None
        await self._budget.reserve(session, caller_of(turn), call_id, usd, paid=paid)

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

    async def credits_left(self, session: AsyncSession, caller: Caller) -> int:
        """Messages that are paid for and not used yet."""
        return await Credits().left(session, caller.owner, MESSAGES)

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
    """Give its credit back, or write down that a message is to be uncounted; so it is if this
    transaction commits.
    """
    await Credits().give_back(session, request_id=turn_id)
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
    return Caller(
        kind, turn.caller_id, turn.network, budget_usd=turn.budget_usd, account=turn.credit_owner
    )
