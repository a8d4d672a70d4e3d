"""Counts votes and feedback in Postgres while Redis is away; nothing else goes on without it.

The two counts are separate, so a switch from one to the other starts a window anew.
"""

import math

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.limits import LimitRepository
from domain.caller import Caller
from domain.limits.policies import Policy, Windows
from domain.limits.rate_limit import LimiterAway, RateLimiter, refusal
from domain.limits.states import PolicyState, WindowState, record_decision


async def hit_with_fallback(
    limiter: RateLimiter, session: AsyncSession, policy: str, caller: Caller
) -> None:
    """Count one use in Redis, or else in the session's transaction.

    Raises:
        RateLimited: A window is full; says when to retry.
    """
    try:
        await limiter.hit(policy, caller)
    except LimiterAway:
        await _hit_in_postgres(session, limiter.policies.of(policy, caller), caller)


async def _hit_in_postgres(session: AsyncSession, policy: Policy, caller: Caller) -> None:
    limits = LimitRepository(session)
    limited = {f"{policy.name} {caller.id}": policy.own} if caller.id else {}
    if caller.network:
        limited[f"{policy.name} {caller.network}"] = policy.network
    found: dict[int, WindowState] = {}
    # Sorted, so that two transactions cannot deadlock.
    for subject, windows in sorted(limited.items()):
        if windows:
            ago_s = await limits.uses(subject, windows[-1].window_s)
            for state in _left(ago_s, windows):
                tighter = (state, found.get(state.window.window_s, state))
                found[state.window.window_s] = min(tighter, key=lambda left: left.remaining)
    state = PolicyState(policy, tuple(found[length] for length in sorted(found)))
    record_decision(state)
    if full := state.refused_by:
        raise refusal(policy, full)
    await limits.add_uses(sorted(limited))
    left = tuple(
        WindowState(window.window, window.remaining - 1, window.reset_s) for window in state.windows
    )
    record_decision(PolicyState(policy, left))


def _left(ago_s: list[float], windows: Windows) -> list[WindowState]:
    """The state of each window; `ago_s` are the ages of the uses in seconds, oldest first."""
    states: list[WindowState] = []
    for window in windows:
        inside = [age_s for age_s in ago_s if age_s < window.window_s]
        reset_s = 0
        if inside:
            freeing_s = inside[-min(window.limit, len(inside))]
            reset_s = max(1, math.ceil(window.window_s - freeing_s))
        states.append(WindowState(window, max(0, window.limit - len(inside)), reset_s))
    return states
