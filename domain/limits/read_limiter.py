"""Permits to read, fetched a few at a time: a read must not wait for Redis each time.

A process holds what it fetched for moments only, and the fewer permits there are left the fewer
it gets; those it does not use are lost to the caller, never spent twice.
"""

import asyncio
import time
from dataclasses import dataclass, field

from domain.caller import Caller
from domain.errors import RateLimited
from domain.limits.policies import Policy
from domain.limits.rate_limit import HOLD_S, LimiterAway, RateLimiter
from domain.limits.states import PolicyState, WindowState

MOST_AT_ONCE = 256
READERS_AT_MOST = 10_000


@dataclass(slots=True)
class _Batch:
    """Permits that were fetched together."""

    permits: int = 0
    fetched_at: float = float("-inf")
    until: float = float("-inf")
    """Both by this process' own clock, which only has to be even."""
    state: PolicyState | None = None


@dataclass(slots=True)
class _Held:
    """What a process holds for one network or API key."""

    batch: _Batch = field(default_factory=_Batch)
    spare: _Batch | None = None
    """Fetched ahead, so that those who read much need not all wait when the batch is used up."""
    size: int = 1
    fetched: asyncio.Event | None = None
    """Told when what somebody fetches now is there; None while nobody does."""
    ahead: asyncio.Task[None] | None = None


class ReadPermits:
    """Lets readers in as the policy for reading says."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._held: dict[object, _Held] = {}

    def take_at_hand(self, caller: Caller) -> PolicyState | None:
        """Use a permit that was fetched before; None when there is none."""
        held = self._of(caller)
        return self._use(held, caller) if _has_permit(held) else None

    async def take(self, caller: Caller) -> PolicyState | None:
        """Use one permit; None when Redis is away, for reading goes on without it.

        Raises:
            RateLimited: The network, or the API key, has had its share.
        """
        held = self._of(caller)
        try:
            if not held.fetched:
                held.batch = await self._fetch(held, caller)
                return self._use(held, caller)
            # All who wait go on together: in turns, the last ones would wait for ever longer.
            await held.fetched.wait()
            if _has_permit(held):
                return self._use(held, caller)
            return (await self._limiter.ask(self._policy(caller), caller, 1))[1]
        except LimiterAway:
            return None

    def _use(self, held: _Held, caller: Caller) -> PolicyState | None:
        batch = held.batch
        batch.permits -= 1
        if 2 * batch.permits == held.size and not held.spare and not held.fetched:
            held.ahead = asyncio.create_task(self._fetch_ahead(held, caller))
        return _left(batch)

    def _of(self, caller: Caller) -> _Held:
        name = caller.network if caller.kind == "visitor" else caller.id
        held = self._held.get(name)
        if held is None:
            if len(self._held) >= READERS_AT_MOST:
                # Whoever came first; what was held for them is lost.
                del self._held[next(iter(self._held))]
            held = self._held[name] = _Held()
        return held

    async def _fetch(self, held: _Held, caller: Caller) -> _Batch:
        now = time.monotonic()
        # Who comes back soon gets more at once, who does not loses nothing.
        quick = 2 * held.batch.permits <= held.size and now < held.batch.fetched_at + HOLD_S
        held.size = min(2 * held.size, MOST_AT_ONCE) if quick else 1
        held.fetched = fetched = asyncio.Event()
        try:
            permits, state = await self._limiter.ask(self._policy(caller), caller, held.size)
        finally:
            held.fetched = None
            fetched.set()
        # A single one is counted from now on, so it is for now.
        return _Batch(permits, now, now + HOLD_S if permits > 1 else now, state)

    async def _fetch_ahead(self, held: _Held, caller: Caller) -> None:
        try:
            held.spare = await self._fetch(held, caller)
        except (RateLimited, LimiterAway):
            return  # Whoever needs one next asks themselves, and is told.

    def _policy(self, caller: Caller) -> Policy:
        return self._limiter.policies.of("read", caller)


def _has_permit(held: _Held) -> bool:
    now = time.monotonic()
    if held.batch.permits > 0 and now < held.batch.until:
        return True
    if held.spare is None:
        return False
    held.batch, held.spare = held.spare, None
    return held.batch.permits > 0 and now < held.batch.until


def _left(batch: _Batch) -> PolicyState | None:
    """What there was when it was fetched, with what is held of it."""
    if batch.state is None:
        return None
    passed_s = int(time.monotonic() - batch.fetched_at)
    windows = tuple(
        WindowState(one.window, one.remaining + batch.permits, max(0, one.reset_s - passed_s))
        for one in batch.state.windows
    )
    return PolicyState(batch.state.policy, windows)
