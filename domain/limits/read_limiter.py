"""The limit on reading, with permits that are fetched in batches: most reads need no round trip.

A process caches a batch for two seconds at most, and batches shrink as fewer permits are left.
Unused permits are lost to the caller; none is ever used twice.
"""

import asyncio
import time
from dataclasses import dataclass, field

from domain.caller import Caller
from domain.errors import RateLimited
from domain.limits.policies import Policy
from domain.limits.rate_limit import HOLD_S, LimiterAway, RateLimiter
from domain.limits.states import PolicyState, WindowState

BATCH_AT_MOST = 256
READERS_AT_MOST = 10_000


@dataclass(slots=True)
class _Batch:
    """Permits that were fetched with one call."""

    permits: int = 0
    fetched_at: float = float("-inf")
    until: float = float("-inf")
    """Both by this process' monotonic clock."""
    state: PolicyState | None = None


@dataclass(slots=True)
class _Cached:
    """The cached permits of one network or API key."""

    batch: _Batch = field(default_factory=_Batch)
    next_batch: _Batch | None = None
    """Prefetched, so that frequent readers do not all wait when the batch is used up."""
    size: int = 1
    fetched: asyncio.Event | None = None
    """Set when the fetch under way is done; None while there is none."""
    prefetching: asyncio.Task[None] | None = None


class ReadLimiter:
    """Applies the policy for reading."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._cached: dict[object, _Cached] = {}

    def try_cached(self, caller: Caller) -> PolicyState | None:
        """Use a cached permit; None when there is none."""
        cached = self._of(caller)
        return self._use(cached, caller) if _has_permit(cached) else None

    async def acquire(self, caller: Caller) -> PolicyState | None:
        """Use one permit; None when Redis is away, because reading is then unlimited.

        Raises:
            RateLimited: The network or the API key has used up its limit.
        """
        cached = self._of(caller)
        try:
            if not cached.fetched:
                cached.batch = await self._fetch(cached, caller)
                return self._use(cached, caller)
            # All waiters proceed at once; one after the other, the last would wait for too long.
            await cached.fetched.wait()
            if _has_permit(cached):
                return self._use(cached, caller)
            return (await self._limiter.acquire(self._policy(caller), caller, 1))[1]
        except LimiterAway:
            return None

    def _use(self, cached: _Cached, caller: Caller) -> PolicyState | None:
        batch = cached.batch
        batch.permits -= 1
        if 2 * batch.permits == cached.size and not cached.next_batch and not cached.fetched:
            cached.prefetching = asyncio.create_task(self._prefetch(cached, caller))
        return _left(batch)

    def _of(self, caller: Caller) -> _Cached:
        name = caller.network if caller.kind == "visitor" else caller.id
        cached = self._cached.get(name)
        if cached is None:
            if len(self._cached) >= READERS_AT_MOST:
                # The oldest entry; its unused permits are lost.
                del self._cached[next(iter(self._cached))]
            cached = self._cached[name] = _Cached()
        return cached

    async def _fetch(self, cached: _Cached, caller: Caller) -> _Batch:
        now = time.monotonic()
        # Frequent readers get larger batches; others lose no permits to a cache.
        frequent = (
            2 * cached.batch.permits <= cached.size and now < cached.batch.fetched_at + HOLD_S
        )
        cached.size = min(2 * cached.size, BATCH_AT_MOST) if frequent else 1
        cached.fetched = fetched = asyncio.Event()
        try:
            permits, state = await self._limiter.acquire(self._policy(caller), caller, cached.size)
        finally:
            cached.fetched = None
            fetched.set()
        # A single permit counts from now, not from the end of the hold, so it cannot be cached.
        return _Batch(permits, now, now + HOLD_S if permits > 1 else now, state)

    async def _prefetch(self, cached: _Cached, caller: Caller) -> None:
        try:
            cached.next_batch = await self._fetch(cached, caller)
        except (RateLimited, LimiterAway):
            return  # The next reader fetches for itself and gets the error.

    def _policy(self, caller: Caller) -> Policy:
        return self._limiter.policies.of("read", caller)


def _has_permit(cached: _Cached) -> bool:
    now = time.monotonic()
    if cached.batch.permits > 0 and now < cached.batch.until:
        return True
    if cached.next_batch is None:
        return False
    cached.batch, cached.next_batch = cached.next_batch, None
    return cached.batch.permits > 0 and now < cached.batch.until


def _left(batch: _Batch) -> PolicyState | None:
    """The policy's state when the batch was fetched, plus the permits still cached."""
    if batch.state is None:
        return None
    passed_s = int(time.monotonic() - batch.fetched_at)
    windows = tuple(
        WindowState(state.window, state.remaining + batch.permits, max(0, state.reset_s - passed_s))
        for state in batch.state.windows
    )
    return PolicyState(batch.state.policy, windows)
