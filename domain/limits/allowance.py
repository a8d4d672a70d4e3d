"""How many factoids a visitor and a network may ask for, exactly.

Counted from the requests themselves inside the transaction that adds one, so that any
number of processes at once admit exactly the limit. Windows slide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.repositories.generations import GenerationRepository
from domain.caller import Caller
from domain.errors import RateLimited

NAMES = {60: "minute", 3_600: "hour", 86_400: "day"}


class AllowanceUsedUp(RateLimited):
    code = "generation_limit"


@dataclass(frozen=True)
class Window:
    limit: int
    window_s: int

    @property
    def name(self) -> str:
        return NAMES.get(self.window_s, f"{self.window_s}s")


@dataclass(frozen=True)
class Allowance:
    """What is left in one window; `reset_s` is 0 while something is left."""

    window: Window
    remaining: int
    reset_s: int


def parse_windows(text: str) -> list[Window]:
    """Read "1/60,3/3600": counts per seconds.

    Raises:
        ValueError: It is written otherwise.
    """
    pairs = [part.partition("/") for part in text.split(",")]
    windows = [Window(int(limit), int(window_s)) for limit, _, window_s in pairs]
    if any(window.limit < 1 or window.window_s < 1 for window in windows):
        raise ValueError("counts and seconds start at 1")
    return sorted(windows, key=lambda window: window.window_s)


def left(times: Sequence[datetime], windows: Sequence[Window], now: datetime) -> list[Allowance]:
    """What is left of each window after requests at these times, oldest first."""
    allowances: list[Allowance] = []
    for window in windows:
        span = timedelta(seconds=window.window_s)
        inside = [moment for moment in times if moment > now - span]
        remaining = max(0, window.limit - len(inside))
        reset_s = 0
        if not remaining:
            frees = inside[-window.limit] + span - now
            reset_s = max(1, math.ceil(frees.total_seconds()))
        allowances.append(Allowance(window, remaining, reset_s))
    return allowances


class GenerationAllowance:
    """The allowance of a caller: the tighter of their own and their network's."""

    def __init__(self, requests: GenerationRepository, windows: Sequence[Window]) -> None:
        self._requests = requests
        self._windows = windows

    async def left(self, caller: Caller) -> list[Allowance]:
        """What the caller has left in each window; nothing is counted for the schedule."""
        now = await self._requests.now()
        since = now - timedelta(seconds=self._windows[-1].window_s)
        found: list[list[Allowance]] = []
        if caller.visitor_id:
            times = await self._requests.counted_since(since, visitor_id=caller.visitor_id)
            found.append(left(times, self._windows, now))
        if caller.network:
            times = await self._requests.counted_since(since, network=caller.network)
            found.append(left(times, self._windows, now))
        return [
            min(pair, key=lambda a: (a.remaining, -a.reset_s)) for pair in zip(*found, strict=True)
        ]

    async def check(self, caller: Caller) -> None:
        """Refuse when a window is full; others of the same caller wait for this transaction.

        Raises:
            AllowanceUsedUp: Says when there is room again.
        """
        await self._requests.hold_allowances(
            *(str(holder) for holder in (caller.visitor_id, caller.network) if holder)
        )
        full = [allowance for allowance in await self.left(caller) if not allowance.remaining]
        if full:
            longest = max(full, key=lambda allowance: allowance.reset_s)
            limit, name = longest.window.limit, longest.window.name
            raise AllowanceUsedUp(
                f"That was your share for now: {limit} new "
                f"factoid{'s' if limit > 1 else ''} a {name}. Reading, voting and searching go on.",
                retry_after_s=longest.reset_s,
            )
