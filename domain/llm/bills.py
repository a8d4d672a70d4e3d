"""The cost of a call whose completion does not contain it: looked up afterwards."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from domain.llm.openrouter import OpenRouter

DELAYS_S = (0.5, 1, 2, 4, 8, 30)
"""Between lookups: OpenRouter may not know a generation right after its end."""

LOOKUPS_AT_MOST = 30
"""After so many in vain, the worst case is booked."""

SOURCES = ("none", "usage", "generation", "computed", "quote")
"""From the most to the least reliable; a sum is as reliable as its least reliable part."""


@dataclass(frozen=True)
class Bill:
    cost_usd: Decimal
    source: str
    provider: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


async def bill_of(
    openrouter: OpenRouter,
    upstream_id: str | None,
    quote_usd: Decimal,
    *,
    patient: bool = False,
    give_up: bool = False,
) -> Bill | None:
    """Look up the cost of a call, once or (`patient`) for a few seconds; None while it is unknown.

    A call that broke off before OpenRouter sent its id cannot be looked up. It may have been
    billed, so its worst case is the bill; so it is with `give_up`.
    """
    if upstream_id is None or give_up:
        return Bill(quote_usd, "quote")
    for delay_s in (*DELAYS_S[:3], 0) if patient else (0,):
        found = await openrouter.settlement(upstream_id)
        if found:
            return Bill(
                found.total_cost_usd,
                "generation",
                found.provider,
                found.prompt_tokens,
                found.completion_tokens,
            )
        await asyncio.sleep(delay_s)
    return None


def next_lookup_s(attempts: int) -> float:
    """The delay before the next lookup, in seconds."""
    return DELAYS_S[min(attempts, len(DELAYS_S) - 1)] if attempts < 10 else 120
