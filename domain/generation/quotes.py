"""What a new factoid would cost a caller now, and what would remain to them."""

import asyncio
import time
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.quotes import NOTHING, Medians, QuoteReads
from domain.caller import Caller
from domain.generation.input import quote_usd
from domain.generation.kind import GENERATIONS
from domain.limits.rate_limit import LimiterAway, RateLimiter
from domain.limits.states import WindowState
from domain.llm.catalogue import CatalogueService
from domain.model_runs import allowance
from domain.spending.budget import STILL_FREE, Budget
from domain.spending.credits import GENERATIONS as PRODUCT
from domain.spending.credits import credits_left

KEPT_S = 10.0
"""How long a process caches the medians: a form requests a quote at every change."""

CHOSEN = "Chosen for you"


@dataclass(frozen=True)
class GenerationQuote:
    model: str | None
    """None when the product chooses it."""
    name: str
    worst_case_usd: Decimal
    recent: Medians
    reason: str | None
    """Why a request would be refused now; None when it would not."""
    windows: tuple[WindowState, ...]
    """Of the caller's limit, before the request."""
    budget_left_usd: Decimal
    """In the caller's pots, before the request."""
    credits_left: int


class RecentMedians:
    """The medians of recent requests, queried at most every few seconds."""

    def __init__(self, reads: QuoteReads) -> None:
        self._reads = reads
        self._lock = asyncio.Lock()
        self._queried_at = float("-inf")
        self._medians: dict[str | None, Medians] = {}

    async def of_model(self, model: str | None) -> Medians:
        async with self._lock:
            if time.monotonic() - self._queried_at >= KEPT_S:
                self._medians = await self._reads.medians()
                self._queried_at = time.monotonic()
        return self._medians.get(model, NOTHING)


class GenerationQuotes:
    """Reads the limiter and the ledger, and changes neither."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        catalogue: CatalogueService,
        limiter: RateLimiter,
        budget: Budget,
        recent: RecentMedians,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._limiter = limiter
        self._budget = budget
        self._recent = recent

    async def quote(self, caller: Caller, model_id: str | None) -> GenerationQuote:
        """The quote for a model, or for the most expensive one that might be chosen.

        Raises:
            UnknownModel, NoModels: See `CatalogueService.choose`.
        """
        models = await self._catalogue.usable(model_id)
        worst_usd = max(quote_usd(model) for model in models)
        async with self._sessions() as session:
            budget = await self._budget.state(session, caller, least_usd=worst_usd)
            credits = await credits_left(session, caller.owner, PRODUCT)
        windows, reason = await self._limit(caller)
        if budget.state == "used_up":
            reason = f"There is not enough left of the budget for new factoids. {STILL_FREE}"
        return GenerationQuote(
            model=model_id,
            name=models[0].name if model_id else CHOSEN,
            worst_case_usd=worst_usd,
            recent=await self._recent.of_model(model_id),
            reason=reason,
            windows=windows,
            budget_left_usd=budget.left_usd,
            credits_left=credits,
        )

    async def _limit(self, caller: Caller) -> tuple[tuple[WindowState, ...], str | None]:
        """The windows of the caller's limit, and why a request would be refused now."""
        try:
            state, reason = await allowance.remaining(self._limiter, GENERATIONS, caller)
        except LimiterAway as away:
            return (), away.detail
        return state.windows, reason
