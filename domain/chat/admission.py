"""Whether a turn may begin, and what pays for it: the only place that decides so."""

from contextlib import suppress
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import ChatTurn
from db.repositories.credits import CreditRepository
from domain.caller import Caller
from domain.chat.kind import CHAT_TURNS
from domain.errors import RateLimited
from domain.limits.rate_limit import LimiterAway, RateLimiter
from domain.limits.states import PolicyState
from domain.model_runs import allowance
from domain.model_runs.allowance import NoCredits
from domain.spending.budget import Budget, BudgetState, BudgetUsedUp
from domain.spending.credits import MESSAGES, credits_left

POLICY = CHAT_TURNS.limit_policy


class Admission:
    """Counts a turn against the caller's free messages, or has a credit pay for it when those or
    their budget are used up, and holds the money for its calls.
    """

    def __init__(self, limiter: RateLimiter, budget: Budget) -> None:
        self._limiter = limiter
        self._budget = budget

    async def admit(
        self, sessions: async_sessionmaker[AsyncSession], caller: Caller, turn: ChatTurn
    ) -> None:
        """Count one message, or note whose credit is to pay for it.

        Raises:
            TooManyMessages: The limit of the caller or their network is reached, and they have no
                credits.
            LimiterAway: The limits are unknown.
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

    async def hold_credit(self, session: AsyncSession, turn: ChatTurn) -> None:
        """Hold the credit that pays for a turn, if one does.

        Raises:
            NoCredits: The last one was used meanwhile.
        """
        owner = turn.credit_owner
        if owner and not await CreditRepository(session).hold(owner, MESSAGES, turn.id):
            raise NoCredits("You have no messages left. Buy more, or wait for free ones.")

    async def hold(
        self, session: AsyncSession, turn: ChatTurn, call_id: UUID, usd: Decimal
    ) -> None:
        """Hold the most a call can cost; comes last in a transaction.

        Raises:
            BudgetUsedUp: There is no money for it.
        """
        paid = turn.credit_owner is not None
        await self._budget.reserve(session, caller_of(turn), call_id, usd, paid=paid)

    async def record_refusal(
        self, sessions: async_sessionmaker[AsyncSession], caller: Caller, refused: BudgetUsedUp
    ) -> None:
        """Record for the site's owner that there was no money for a message."""
        async with sessions.begin() as session:
            await self._budget.record_refusal(session, refused)
        await self._limiter.count_refusal(POLICY, caller, "budget")

    async def uncount(self, caller: Caller, turn_id: UUID) -> None:
        """Uncount a message that was not sent; while Redis is unavailable it stays counted."""
        with suppress(LimiterAway):
            await self._limiter.give_back(POLICY, caller.id, caller.network, str(turn_id))

    async def credits_left(self, session: AsyncSession, caller: Caller) -> int:
        """Messages that are paid for and not used yet."""
        return await credits_left(session, caller.owner, MESSAGES)

    async def remaining(self, caller: Caller) -> tuple[PolicyState, str | None]:
        """The caller's limit, and why the next message would be refused.

        Raises:
            LimiterAway: It is unknown.
        """
        return await allowance.remaining(self._limiter, CHAT_TURNS, caller)

    async def budget_left(
        self, session: AsyncSession, caller: Caller, least_usd: Decimal
    ) -> BudgetState:
        return await self._budget.state(session, caller, least_usd=least_usd)


def caller_of(turn: ChatTurn) -> Caller:
    """Whose turn it is."""
    kind = "key" if turn.caller_kind == "key" else "visitor"
    return Caller(
        kind, turn.caller_id, turn.network, budget_usd=turn.budget_usd, account=turn.credit_owner
    )
