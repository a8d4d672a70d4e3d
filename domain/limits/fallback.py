"""Counting in Postgres what may go on while Redis is away: votes and feedback.

Both counts start from nothing when the other is lost; so within one window they are right.
"""

import math

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.limits import LimitRepository
from domain.caller import Caller
from domain.limits.policies import Policy, Windows
from domain.limits.rate_limit import LimiterAway, RateLimiter, refusal
from domain.limits.states import PolicyState, WindowState, note


async def hit_anyway(
    limiter: RateLimiter, session: AsyncSession, policy: str, caller: Caller
) -> None:
    """Count one use where that can be done; the session's transaction holds it.

    Raises:
        RateLimited: A window is full; says when there is room.
    """
    try:
        await limiter.hit(policy, caller)
    except LimiterAway:
        await _hit_here(session, limiter.policies.of(policy, caller), caller)


async def _hit_here(session: AsyncSession, policy: Policy, caller: Caller) -> None:
    limits = LimitRepository(session)
    limited = {f"{policy.name} {caller.id}": policy.own} if caller.id else {}
    if caller.network:
        limited[f"{policy.name} {caller.network}"] = policy.network
    found: dict[int, WindowState] = {}
    # In one order, so that nobody waits in a ring.
    for subject, windows in sorted(limited.items()):
        if windows:
            ago_s = await limits.uses(subject, windows[-1].window_s)
            for state in _left(ago_s, windows):
                tighter = (state, found.get(state.window.window_s, state))
                found[state.window.window_s] = min(tighter, key=lambda one: one.remaining)
    state = PolicyState(policy, tuple(found[length] for length in sorted(found)))
    note(state)
    if full := state.refused_by:
        raise refusal(policy, full)
    await limits.add_uses(sorted(limited))
    left = tuple(WindowState(one.window, one.remaining - 1, one.reset_s) for one in state.windows)
    note(PolicyState(policy, left))


def _left(ago_s: list[float], windows: Windows) -> list[WindowState]:
    """What is left of each window after uses so long ago, the oldest first."""
    states: list[WindowState] = []
    for window in windows:
        inside = [one for one in ago_s if one < window.window_s]
        reset_s = 0
        if inside:
            frees = inside[-min(window.limit, len(inside))]
            reset_s = max(1, math.ceil(window.window_s - frees))
        states.append(WindowState(window, max(0, window.limit - len(inside)), reset_s))
    return states
