"""What is left of a policy, and where a request keeps what was decided for it."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from domain.limits.policies import Policy, Window


class WindowState(msgspec.Struct, frozen=True):
    window: Window
    remaining: int
    reset_s: int
    """Seconds until one more is allowed than now; 0 while nothing is used."""


class PolicyState(msgspec.Struct, frozen=True):
    """The tighter of what a caller and their network have left, the shortest window first."""

    policy: Policy
    windows: tuple[WindowState, ...]

    @property
    def refused_by(self) -> WindowState | None:
        """The full window that takes longest to have room again."""
        full = [one for one in self.windows if not one.remaining]
        return max(full, key=lambda one: one.reset_s, default=None)


_decided: ContextVar[list[PolicyState] | None] = ContextVar("decided", default=None)


@contextmanager
def decisions() -> Generator[list[PolicyState]]:
    """Collect what is decided meanwhile, also in tasks begun meanwhile."""
    states: list[PolicyState] = []
    token = _decided.set(states)
    try:
        yield states
    finally:
        _decided.reset(token)


def forget() -> None:
    """What was decided has been undone."""
    states = _decided.get()
    if states is not None:
        states.clear()


def note(state: PolicyState) -> None:
    """Leave a decision for whoever answers the request."""
    states = _decided.get()
    if states is not None:
        states.append(state)
