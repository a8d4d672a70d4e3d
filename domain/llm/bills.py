"""What one call cost, when its answer did not say: asked for afterwards."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from domain.llm.openrouter import OpenRouter

WAITS_S = (0.5, 1, 2, 4, 8, 30)
"""OpenRouter may not know a generation right after it ended."""

OFFERS_AT_MOST = 30
"""After so many questions without an answer the worst case is booked."""

SOURCES = ("none", "usage", "generation", "quote")
"""From the surest to the least; that of several calls is the least sure of theirs."""


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
    """Ask what one call cost, once or (`patient`) for a few seconds; None while nobody knows.

    A call that was cut before OpenRouter named it cannot be asked for: it may have been
    billed, so its worst case is booked.
    """
    if upstream_id is None or give_up:
        return Bill(quote_usd, "quote")
    for wait_s in (*WAITS_S[:3], 0) if patient else (0,):
        found = await openrouter.settlement(upstream_id)
        if found:
            return Bill(
                found.total_cost,
                "generation",
                found.provider_name,
                found.native_tokens_prompt or found.tokens_prompt,
                found.native_tokens_completion or found.tokens_completion,
            )
        await asyncio.sleep(wait_s)
    return None


def wait_s_after(offers: int) -> float:
    """How long to wait before what a call cost is asked again."""
    return WAITS_S[min(offers, len(WAITS_S) - 1)] if offers < 10 else 120
