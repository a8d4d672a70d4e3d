"""The budget: no model is called before the most it can cost is reserved.

A caller draws on several pots at once, each with a limit for the UTC day. The SQL functions in
`db/functions/` update the pots together with the ledger that they are the sum of.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import BudgetPot
from db.repositories.budgets import BudgetRepository
from domain.caller import Caller
from domain.errors import OverBudget
from settings import Settings

Clock = Callable[[], datetime]
"""Returns the current time with its zone."""

GLOBAL, SCHEDULED, PAID = "global", "scheduled", "paid"
VISITORS, KEYS = "tier:visitor", "tier:key"
WATCHED = (GLOBAL, VISITORS, KEYS, SCHEDULED, PAID)
"""The pots with alerts, as opposed to those of single callers."""

LOW_AT = Decimal("0.8")
"""The used share of a pot from which on it counts as low."""

STILL_FREE = "Reading, voting and searching go on as ever. There is more at midnight UTC."
CREDIT_KEPT = "Your credit was not used. There is more at midnight UTC."


def utc_now() -> datetime:
    return datetime.now(UTC)


class BudgetUsedUp(OverBudget):
    code = "budget_used_up"

    def __init__(
        self, detail: str, *, retry_after_s: int, pot: str, day: date, limit_usd: Decimal
    ) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.pot = pot
        self.day = day
        self.limit_usd = limit_usd


@dataclass(frozen=True)
class BudgetLimits:
    """The limit of each kind of pot for a UTC day, in US dollars."""

    global_usd: Decimal
    visitors_usd: Decimal
    keys_usd: Decimal
    scheduled_usd: Decimal
    paid_usd: Decimal
    """For everything paid with credits."""
    visitor_usd: Decimal
    """Each visitor's own."""
    key_usd: Decimal
    """Each API key's own, unless the key has its own limit."""
    buyer_usd: Decimal
    """Each buyer's own, for everything paid with their credits."""

    @classmethod
    def of(cls, config: Settings) -> "BudgetLimits":
        return cls(
            global_usd=config.budget_usd,
            visitors_usd=config.budget_visitors_usd,
            keys_usd=config.budget_keys_usd,
            scheduled_usd=config.budget_scheduled_usd,
            paid_usd=config.budget_paid_usd,
            visitor_usd=config.budget_visitor_usd,
            key_usd=config.budget_key_usd,
            buyer_usd=config.budget_buyer_usd,
        )

    def of_caller(self, caller: Caller, *, paid: bool = False) -> dict[str, Decimal]:
        """The pots a caller draws on, the widest first, with their limits.

        Work paid with a credit has its own pots, so that free work cannot use them up.
        """
        if paid:
            return {
                GLOBAL: self.global_usd,
                PAID: self.paid_usd,
                f"{PAID}:{caller.owner}": self.buyer_usd,
            }
        if caller.kind == "scheduler":
            return {GLOBAL: self.global_usd, SCHEDULED: self.scheduled_usd}
        if caller.kind == "visitor":
            return {
                GLOBAL: self.global_usd,
                VISITORS: self.visitors_usd,
                f"visitor:{caller.id}": self.visitor_usd,
            }
        own_usd = self.key_usd if caller.budget_usd is None else caller.budget_usd
        return {GLOBAL: self.global_usd, KEYS: self.keys_usd, f"key:{caller.id}": own_usd}


@dataclass(frozen=True)
class BudgetState:
    """What a caller may still spend today."""

    state: Literal["open", "low", "used_up"]
    resets_at: datetime
    reset_s: int
    left_usd: Decimal
    """In the pot with the least left."""


class Budget:
    """Today's pots; tests pass a clock."""

    def __init__(self, limits: BudgetLimits, clock: Clock = utc_now) -> None:
        self._limits = limits
        self._clock = clock

    async def reserve(
        self,
        session: AsyncSession,
        caller: Caller,
        request_id: UUID,
        usd: Decimal,
        *,
        paid: bool = False,
    ) -> None:
        """Reserve the most a request can cost in all of the caller's pots of today, or in none.

        Raises:
            BudgetUsedUp: A pot has too little left; says when it is reset.
        """
        now, limits = self._clock().astimezone(UTC), self._limits.of_caller(caller, paid=paid)
        full = await BudgetRepository(session).reserve(request_id, now.date(), limits, usd)
        if full:
            raise BudgetUsedUp(
                f"{_pot_text(full)} is used up for today. {CREDIT_KEPT if paid else STILL_FREE}",
                retry_after_s=_reset_s(now),
                pot=full,
                day=now.date(),
                limit_usd=limits[full],
            )

    async def record_refusal(self, session: AsyncSession, refusal: BudgetUsedUp) -> None:
        """Record a refusal for the operator, in a transaction of its own."""
        if refusal.pot in WATCHED:
            await BudgetRepository(session).record_refusal(
                refusal.pot, refusal.day, refusal.limit_usd
            )

    async def state(
        self, session: AsyncSession, caller: Caller, *, least_usd: Decimal
    ) -> BudgetState:
        """What the caller has left; used up when `least_usd` cannot be reserved."""
        now, limits = self._clock().astimezone(UTC), self._limits.of_caller(caller)
        pots = await BudgetRepository(session).pots(now.date(), list(limits))
        left = {name: limit - _used(pots.get(name)) for name, limit in limits.items()}
        left_usd = max(Decimal(0), min(left.values()))
        low = any(left[name] <= limit * (1 - LOW_AT) for name, limit in limits.items())
        used_up = left_usd < least_usd or not left_usd
        return BudgetState(
            state="used_up" if used_up else "low" if low else "open",
            resets_at=_midnight_after(now),
            reset_s=_reset_s(now),
            left_usd=left_usd,
        )


def _used(pot: BudgetPot | None) -> Decimal:
    return pot.reserved_usd + pot.spent_usd if pot else Decimal(0)


def _pot_text(pot: str) -> str:
    if pot.startswith("visitor:"):
        return "Your share of the budget for new factoids"
    if pot.startswith("key:"):
        return "The budget of this API key"
    if pot.startswith(f"{PAID}:"):
        return "What your credits can pay for in one day"
    return "The budget for paid factoids" if pot == PAID else "The budget for new factoids"


def _midnight_after(now: datetime) -> datetime:
    return datetime.combine(now.date() + timedelta(days=1), time(), UTC)


def _reset_s(now: datetime) -> int:
    return max(1, math.ceil((_midnight_after(now) - now).total_seconds()))
