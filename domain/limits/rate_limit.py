"""Rate limits that are exact across processes: one script in Redis decides and counts.

All times are by Redis' clock, and processes share no other state.
"""

import asyncio
import math
import struct
import time
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from domain.caller import Caller
from domain.errors import RateLimited, Unavailable
from domain.infra.redis_batch import BatchedScript
from domain.limits.anomalies import THRESHOLDS
from domain.limits.policies import REPORTED, Policies, Policy, Window, Windows
from domain.limits.states import PolicyState, WindowState, clear_decisions, record_decision

HOLD_S = 2.0
"""How long a batch of permits is valid. Its uses count from the end of that time."""

US = 1_000_000
NUMBERS = THRESHOLDS | {"HOLD_US": int(HOLD_S * US)}
HERE = Path(__file__).parent
CONSTANTS = "".join(f"local {name} = {value}\n" for name, value in NUMBERS.items())
COUNTING = CONSTANTS + (HERE / "count.lua").read_text()
DECIDE = COUNTING + (HERE / "anomalies.lua").read_text() + (HERE / "rate_limit.lua").read_text()
COUNT_REFUSAL = COUNTING + "count(microseconds(), ARGV[1], 1)"
GIVE_BACK = (HERE / "give_back.lua").read_text()
ANONYMOUS = bytes(8)
AWAY_S = 1.0
"""After a failure, how long Redis counts as away, so that not every request waits for it."""

RETRY_AFTER_S = 5

Reason = Literal["captcha", "captcha_away", "budget"]
"""Reasons for a refusal other than a full window: a captcha is needed or cannot be verified, or the
budget is used up."""

log = structlog.get_logger()


class GenerationLimit(RateLimited):
    code = "generation_limit"


class TooManyVotes(RateLimited):
    code = "vote_limit"


class TooMuchFeedback(RateLimited):
    code = "too_much_feedback"


class TooManyTries(RateLimited):
    code = "recovery_limit"


class TooManyReads(RateLimited):
    code = "read_limit"


class TooManyCheckouts(RateLimited):
    code = "checkout_limit"


class TooManyMessages(RateLimited):
    code = "chat_limit"


class LimiterAway(Unavailable):
    """A caller's uses cannot be counted, so nothing that costs money is started."""

    code = "limiter_away"


REFUSALS: dict[str, tuple[type[RateLimited], str]] = {
    "generate": (
        GenerationLimit,
        "That was your share for now: {limit} new factoid{s} per {name}. "
        "Reading, voting and searching go on.",
    ),
    "vote": (
        TooManyVotes,
        "So many opinions! {limit} vote{s} per {name} is the most we can count.",
    ),
    "feedback": (
        TooMuchFeedback,
        "You have left a lot of feedback. Thank you; there is room for more later.",
    ),
    "checkout": (
        TooManyCheckouts,
        "That is a lot of payments begun: {limit} per {name} at most. Those can still be paid.",
    ),
    "recover": (TooManyTries, "So many links at once? Wait a little, then try yours again."),
    "chat": (
        TooManyMessages,
        "That was a lot of talking: {limit} message{s} per {name} at most. Reading goes on.",
    ),
    "read": (TooManyReads, "You read faster than we can turn the pages. Take a breath."),
}
DEFAULT_REFUSAL = (RateLimited, "That was too often: {limit} per {name} at most.")


class ScriptCall(msgspec.Struct, frozen=True):
    """The script's input for a caller and policy; it reports on `windows`, in this order."""

    keys: list[str]
    arguments: tuple[str | bytes, ...]
    windows: tuple[Window, ...]


class RateLimiter:
    """Applies the policies."""

    def __init__(self, redis: Redis, policies: Policies) -> None:
        self.policies = policies
        self._decide = BatchedScript(redis, DECIDE)
        self._count_refusal = BatchedScript(redis, COUNT_REFUSAL)
        self._give_back = BatchedScript(redis, GIVE_BACK)
        self._away_until = 0.0

    async def hit(self, policy: str, caller: Caller, *, member: str | None = None) -> PolicyState:
        """Count one use against the caller and their network, if no window is full.

        `member` identifies the use, so that it can be given back.

        Raises:
            RateLimited: A window is full; says when to retry. Nothing was counted.
            LimiterAway: Redis is away.
        """
        _, state = await self.acquire(self.policies.of(policy, caller), caller, 1, member=member)
        return state

    async def acquire(
        self,
        policy: Policy,
        caller: Caller,
        wanted: int,
        *,
        member: str | None = None,
    ) -> tuple[int, PolicyState]:
        """Acquire up to `wanted` permits, to be used within `HOLD_S`.

        Returns:
            How many were granted, and the state of the policy.

        Raises:
            RateLimited: A window is full.
            LimiterAway: Redis is away.
        """
        name = _name(member) if member else ANONYMOUS
        granted, state = await self._run(policy, caller, wanted, name)
        record_decision(state)
        if not granted and state.refused_by:
            raise refusal(policy, state.refused_by)
        return granted, state

    async def left(self, caller: Caller) -> list[PolicyState]:
        """The state of each reported policy for the caller; counts nothing.

        Raises:
            LimiterAway: Redis is away.
        """
        policies = [self.policies.of(name, caller) for name in REPORTED]
        answers = [self._run(policy, caller, 0, ANONYMOUS) for policy in policies]
        return [state for _, state in await asyncio.gather(*answers)]

    async def give_back(
        self, policy: str, caller_id: UUID | None, network: str | None, member: str
    ) -> None:
        """Remove a use from the count. Idempotent.

        Raises:
            LimiterAway: Redis is away.
        """
        clear_decisions()
        try:
            for key in _keys(policy, caller_id, network):
                await self._give_back.run([key], [_name(member)])
        except (RedisError, OSError) as error:
            raise self._away(error) from error

    async def count_refusal(self, policy: str, caller: Caller, reason: Reason) -> None:
        """Count a refusal that no window caused. While Redis is away it stays uncounted."""
        with suppress(RedisError, OSError):
            await self._count_refusal.run([], [f"{policy}|{caller.kind}|||{reason}"])

    async def _run(
        self, policy: Policy, caller: Caller, wanted: int, name: bytes
    ) -> tuple[int, PolicyState]:
        call = _script_call(policy, caller.id, caller.network)
        if not call.keys:
            return wanted, PolicyState(policy, ())
        if time.monotonic() < self._away_until:
            raise away(policy)
        arguments = (name, wanted, *call.arguments)
        try:
            reply: Any = await self._decide.run(call.keys, arguments)
        except (RedisError, OSError) as error:
            raise self._away(error, policy) from error
        return reply[0], _state(policy, call.windows, reply[1:])

    def _away(self, error: Exception, policy: Policy | None = None) -> LimiterAway:
        # An error reply, as when the memory is full, needs an operator; a lost connection may not.
        level = log.error if isinstance(error, ResponseError) else log.warning
        level("limiter_away", error=type(error).__name__)
        self._away_until = time.monotonic() + AWAY_S
        return away(policy)


def away(policy: Policy | None) -> LimiterAway:
    if policy:
        windows = (WindowState(window, 0, RETRY_AFTER_S) for window in policy.windows)
        record_decision(PolicyState(policy, tuple(windows)))
    return LimiterAway(
        "We cannot count right now, so nothing new is written. Reading and voting go on.",
        retry_after_s=RETRY_AFTER_S,
    )


def refusal(policy: Policy, full: WindowState) -> RateLimited:
    kind, words = REFUSALS.get(policy.name, DEFAULT_REFUSAL)
    limit = full.window.limit
    detail = words.format(limit=limit, name=full.window.name, s="s" if limit > 1 else "")
    return kind(detail, retry_after_s=max(1, full.reset_s))


def _keys(policy: str, *subjects: UUID | str | None) -> list[str]:
    return [f"limit:{policy}:{subject}" for subject in subjects if subject]


@lru_cache(maxsize=4_096)
def _script_call(policy: Policy, caller_id: UUID | None, network: str | None) -> ScriptCall:
    own = policy.own if caller_id else ()
    shared = policy.network if network else ()
    keys = _keys(policy.name, caller_id if own else None, network if shared else None)
    names = (",".join(window.name for window in windows) for windows in (own, shared))
    label = "|".join((policy.name, policy.kind, *names))
    identity = str(caller_id or "") if own else ""
    arguments = (*_arguments("caller", own), *_arguments("network", shared))
    return ScriptCall(keys, (label, identity, network or "", *arguments), (*own, *shared))


def _arguments(who: str, windows: Windows) -> tuple[str | bytes, ...]:
    packed = b"".join(struct.pack(">II", window.limit, window.window_s) for window in windows)
    return (who, packed) if windows else ()


def _name(member: str) -> bytes:
    return blake2b(member.encode(), digest_size=8).digest()


def _state(policy: Policy, windows: Windows, numbers: list[int]) -> PolicyState:
    """For each length the tighter of the caller's and the network's window, reported with the
    caller's limit.
    """
    found: dict[int, tuple[int, int]] = {}
    for index, window in enumerate(windows):
        remaining, reset_us = numbers[2 * index : 2 * index + 2]
        left = (remaining, -math.ceil(reset_us / US))
        found[window.window_s] = min(found.get(window.window_s, left), left)
    reported = {window.window_s: window for window in (*windows[::-1], *policy.own)}
    return PolicyState(
        policy,
        tuple(WindowState(reported[s], left[0], -left[1]) for s, left in sorted(found.items())),
    )
