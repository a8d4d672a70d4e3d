"""Permits to read, fetched a few at a time: a read must not wait for Redis each time.

A process holds what it fetched for moments only, and the fewer permits there are left the fewer
it gets; those it does not use are lost to the caller, never spent twice.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace

from domain.caller import Caller
from domain.limits.policies import Policy
from domain.limits.rate_limit import HOLD_S, LimiterAway, RateLimiter
from domain.limits.states import PolicyState

MOST_AT_ONCE = 32
READERS_AT_MOST = 10_000


@dataclass(slots=True)
class _Held:
    """What a process holds for one network or API key."""

    permits: int = 0
    until: float = 0.0
    fetched_at: float = 0.0
    """Both by this process' own clock, which only has to be even."""
    batch: int = 1
    state: PolicyState | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class ReadPermits:
    """Lets readers in as the policy for reading says."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._held: dict[object, _Held] = {}

    async def take(self, caller: Caller) -> PolicyState | None:
        """Use one permit; None when Redis is away, for reading goes on without it.

        Raises:
            RateLimited: The network, or the API key, has had its share.
        """
        held = self._of(caller)
        if not _has_permit(held):
            policy = self._limiter.policies.of("read", caller)
            try:
                async with held.fetching:
                    await self._fetch(held, policy, caller)
            except LimiterAway:
                return None
        held.permits -= 1
        return _left(held)

    def _of(self, caller: Caller) -> _Held:
        name = caller.network if caller.kind == "visitor" else caller.id
        held = self._held.get(name)
        if held is None:
            if len(self._held) >= READERS_AT_MOST:
                # Whoever came first; what was held for them is lost.
                del self._held[next(iter(self._held))]
            held = self._held[name] = _Held()
        return held

    async def _fetch(self, held: _Held, policy: Policy, caller: Caller) -> None:
        if _has_permit(held):
            return  # Somebody else has fetched while this one waited.
        now = time.monotonic()
        # Who comes back soon gets more at once, who does not loses nothing.
        quick = held.permits < 1 and now < held.fetched_at + HOLD_S
        held.batch = min(2 * held.batch, MOST_AT_ONCE) if quick else 1
        held.permits = 0
        held.permits, held.state = await self._limiter.ask(policy, caller, held.batch)
        held.fetched_at = now
        # A single one is counted from now on, so it is for now.
        held.until = now + HOLD_S if held.permits > 1 else now


def _has_permit(held: _Held) -> bool:
    return held.permits > 0 and time.monotonic() < held.until


def _left(held: _Held) -> PolicyState | None:
    """What there was when it was fetched, with what is held of it."""
    if held.state is None:
        return None
    passed_s = int(time.monotonic() - held.fetched_at)
    windows = tuple(
        replace(one, remaining=one.remaining + held.permits, reset_s=max(0, one.reset_s - passed_s))
        for one in held.state.windows
    )
    return PolicyState(held.state.policy, windows)
