"""What a new factoid would cost a caller now, and what they would have left."""

import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.quotes import NOTHING, Medians, QuoteReads
from domain.caller import Caller
from domain.generation.allowance import POLICY
from domain.generation.input import quote_usd
from domain.limits.rate_limit import LimiterAway, RateLimiter, refusal
from domain.limits.states import PolicyState, WindowState
from domain.llm.catalogue import CatalogueService
from domain.spending.budget import AND_NOW, Budget
from domain.spending.credits import GENERATIONS, Credits

KEPT_S = 10.0
"""How long a process keeps the medians: a form asks for them at every change."""

CHOSEN = "Chosen for you"


@dataclass(frozen=True)
class Quote:
    model: str | None
    """None when it is left to us."""
    name: str
    worst_case_usd: Decimal
    lately: Medians
    reason: str | None
    """Why it would be refused now; None when it would not."""
    windows: tuple[WindowState, ...]
    """Of the caller's limit, before it."""
    budget_left_usd: Decimal
    """In the caller's pots, before it."""
    credits_left: int


class Lately:
    """The medians of recent requests, looked up at most every few seconds."""

    def __init__(self, reads: QuoteReads) -> None:
        self._reads = reads
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._medians: dict[str | None, Medians] = {}

    async def of(self, model: str | None) -> Medians:
        async with self._looking:
            if time.monotonic() - self._looked_at >= KEPT_S:
                self._medians = await self._reads.medians()
                self._looked_at = time.monotonic()
        return self._medians.get(model, NOTHING)


class Quotes:
    """Asks the limiter and the ledger, and takes nothing from them."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        catalogue: CatalogueService,
        limiter: RateLimiter,
        budget: Budget,
        lately: Lately,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._limiter = limiter
        self._budget = budget
        self._lately = lately

    async def quote(self, caller: Caller, model_id: str | None) -> Quote:
        """The dearest it can be; without a model, with any of those we would choose from.

        Raises:
            UnknownModel, NoModels: See `CatalogueService.choose`.
        """
        models = await self._catalogue.usable(model_id)
        worst_usd = max(quote_usd(model) for model in models)
        async with self._sessions() as session:
            budget = await self._budget.state(session, caller, least_usd=worst_usd)
            credits_left = await Credits().left(session, caller.owner, GENERATIONS)
        limit, reason = await self._limit(caller)
        if budget.state == "used_up":
            reason = f"There is not enough left of the budget for new factoids. {AND_NOW}"
        return Quote(
            model=model_id,
            name=models[0].name if model_id else CHOSEN,
            worst_case_usd=worst_usd,
            lately=await self._lately.of(model_id),
            reason=reason,
            windows=limit.windows if limit else (),
            budget_left_usd=budget.left_usd,
            credits_left=credits_left,
        )

    async def _limit(self, caller: Caller) -> tuple[PolicyState | None, str | None]:
        try:
            states = await self._limiter.left(caller)
        except LimiterAway as away:
            return None, away.detail
        limit = next(state for state in states if state.policy.name == POLICY)
        full = limit.refused_by
        return limit, refusal(limit.policy, full).detail if full else None
