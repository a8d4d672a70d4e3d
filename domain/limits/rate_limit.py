"""Limits that are exact across processes: one script in Redis decides and counts.

Redis' clock is the only one. What one process knows is never needed by another.
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
from domain.limits.anomalies import STRANGE
from domain.limits.policies import SHOWN, Policies, Policy, Window, Windows
from domain.limits.states import PolicyState, WindowState, forget, note

HOLD_S = 2.0
"""How long permits fetched together may lie unused; until then they count as used now."""

US = 1_000_000
NUMBERS = STRANGE | {"HOLD_US": int(HOLD_S * US)}
HERE = Path(__file__).parent
CONSTANTS = "".join(f"local {name} = {value}\n" for name, value in NUMBERS.items())
COUNTING = CONSTANTS + (HERE / "count.lua").read_text()
DECIDE = COUNTING + (HERE / "rate_limit.lua").read_text()
COUNT_ONE = COUNTING + "count(microseconds(), ARGV[1], 1)"
GIVE_BACK = (HERE / "give_back.lua").read_text()
NAMELESS = bytes(8)
LOOK_AGAIN_S = 1.0
"""So long nobody waits for a Redis that was just found away."""

TRY_AGAIN_S = 5

Reason = Literal["captcha", "captcha_away", "budget"]
"""Who refused when it was no window: a proof was asked for, it could not be looked at, or there
was no money."""

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
    """Nobody can say how much a caller has had, so nothing is spent."""

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
OTHERWISE = (RateLimited, "That was too often: {limit} per {name} at most.")


class Question(msgspec.Struct, frozen=True):
    """What the script is asked for one caller and policy; `places` are the answer's windows."""

    keys: list[str]
    arguments: tuple[str | bytes, ...]
    places: tuple[Window, ...]


class RateLimiter:
    """Decides by the policies for one process among many."""

    def __init__(self, redis: Redis, policies: Policies) -> None:
        self.policies = policies
        self._decide = BatchedScript(redis, DECIDE)
        self._count_one = BatchedScript(redis, COUNT_ONE)
        self._give_back = BatchedScript(redis, GIVE_BACK)
        self._away_until = 0.0

    async def hit(self, policy: str, caller: Caller, *, member: str | None = None) -> PolicyState:
        """Count one use against the caller and their network, if all windows have room.

        `member` names the use, so that it can be given back.

        Raises:
            RateLimited: A window is full; says when there is room. Nothing was counted.
            LimiterAway: Redis cannot be asked.
        """
        _, state = await self.ask(self.policies.of(policy, caller), caller, 1, member=member)
        return state

    async def ask(
        self,
        policy: Policy,
        caller: Caller,
        wanted: int,
        *,
        member: str | None = None,
    ) -> tuple[int, PolicyState]:
        """Get up to so many permits, to be used within `HOLD_S`, and how many were granted.

        Raises:
            RateLimited: There are none.
            LimiterAway: Redis cannot be asked.
        """
        name = _name(member) if member else NAMELESS
        granted, state = await self._run(policy, caller, wanted, name)
        note(state)
        if not granted and state.refused_by:
            raise refusal(policy, state.refused_by)
        return granted, state

    async def left(self, caller: Caller) -> list[PolicyState]:
        """What the caller may still do of everything; counts nothing.

        Raises:
            LimiterAway: Redis cannot be asked.
        """
        policies = [self.policies.of(name, caller) for name in SHOWN]
        answers = [self._run(policy, caller, 0, NAMELESS) for policy in policies]
        return [state for _, state in await asyncio.gather(*answers)]

    async def give_back(
        self, policy: str, caller_id: UUID | None, network: str | None, member: str
    ) -> None:
        """Take a use out of the count, as if it had never been; doing it twice is harmless.

        Raises:
            LimiterAway: Redis cannot be asked.
        """
        forget()
        try:
            for key in _keys(policy, caller_id, network):
                await self._give_back.run([key], [_name(member)])
        except (RedisError, OSError) as error:
            raise self._away(error) from error

    async def count_refusal(self, policy: str, caller: Caller, reason: Reason) -> None:
        """Count that something else than a window refused. Without Redis it stays uncounted: the
        answer is the same.
        """
        with suppress(RedisError, OSError):
            await self._count_one.run([], [f"{policy}|{caller.kind}|||{reason}"])

    async def _run(
        self, policy: Policy, caller: Caller, wanted: int, name: bytes
    ) -> tuple[int, PolicyState]:
        question = _question(policy, caller.id, caller.network)
        if not question.keys:
            return wanted, PolicyState(policy, ())
        if time.monotonic() < self._away_until:
            raise away(policy)
        arguments = (name, wanted, *question.arguments)
        try:
            answer: Any = await self._decide.run(question.keys, arguments)
        except (RedisError, OSError) as error:
            raise self._away(error, policy) from error
        return answer[0], _state(policy, question.places, answer[1:])

    def _away(self, error: Exception, policy: Policy | None = None) -> LimiterAway:
        # What Redis refuses to do, such as writing when its memory is full, is looked into.
        level = log.error if isinstance(error, ResponseError) else log.warning
        level("limiter_away", error=type(error).__name__)
        self._away_until = time.monotonic() + LOOK_AGAIN_S
        return away(policy)


def away(policy: Policy | None) -> LimiterAway:
    if policy:
        windows = (WindowState(window, 0, TRY_AGAIN_S) for window in policy.windows)
        note(PolicyState(policy, tuple(windows)))
    return LimiterAway(
        "We cannot count right now, so nothing new is written. Reading and voting go on.",
        retry_after_s=TRY_AGAIN_S,
    )


def refusal(policy: Policy, full: WindowState) -> RateLimited:
    kind, words = REFUSALS.get(policy.name, OTHERWISE)
    limit = full.window.limit
    said = words.format(limit=limit, name=full.window.name, s="s" if limit > 1 else "")
    return kind(said, retry_after_s=max(1, full.reset_s))


def _keys(policy: str, *subjects: UUID | str | None) -> list[str]:
    return [f"limit:{policy}:{subject}" for subject in subjects if subject]


@lru_cache(maxsize=4_096)
def _question(policy: Policy, caller_id: UUID | None, network: str | None) -> Question:
    own = policy.own if caller_id else ()
    shared = policy.network if network else ()
    keys = _keys(policy.name, caller_id if own else None, network if shared else None)
    names = (",".join(one.name for one in windows) for windows in (own, shared))
    label = "|".join((policy.name, policy.kind, *names))
    identity = str(caller_id or "") if own else ""
    arguments = (*_arguments("caller", own), *_arguments("network", shared))
    return Question(keys, (label, identity, network or "", *arguments), (*own, *shared))


def _arguments(who: str, windows: Windows) -> tuple[str | bytes, ...]:
    packed = b"".join(struct.pack(">II", one.limit, one.window_s) for one in windows)
    return (who, packed) if windows else ()


def _name(member: str) -> bytes:
    return blake2b(member.encode(), digest_size=8).digest()


def _state(policy: Policy, places: Windows, numbers: list[int]) -> PolicyState:
    """The tighter of the caller's and the network's, told of the caller's windows."""
    found: dict[int, tuple[int, int]] = {}
    for place, window in enumerate(places):
        remaining, reset_us = numbers[2 * place : 2 * place + 2]
        left = (remaining, -math.ceil(reset_us / US))
        found[window.window_s] = min(found.get(window.window_s, left), left)
    told = {window.window_s: window for window in (*places[::-1], *policy.own)}
    return PolicyState(
        policy,
        tuple(WindowState(told[s], left[0], -left[1]) for s, left in sorted(found.items())),
    )
