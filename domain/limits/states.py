"""The state of a policy, and the decisions that were made for the current request."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from domain.limits.policies import Policy, Window


class WindowState(msgspec.Struct, frozen=True):
    window: Window
    remaining: int
    reset_s: int
    """Seconds until one more use is allowed than now; 0 while nothing is used."""


class PolicyState(msgspec.Struct, frozen=True):
    """For each window the lower of what the caller and their network have left; shortest first."""

    policy: Policy
    windows: tuple[WindowState, ...]

    @property
    def refused_by(self) -> WindowState | None:
        """Of the full windows the one that takes longest to reset; None when none is full."""
        full = [state for state in self.windows if not state.remaining]
        return max(full, key=lambda state: state.reset_s, default=None)


_decided: ContextVar[list[PolicyState] | None] = ContextVar("decided", default=None)


@contextmanager
def collect_decisions() -> Generator[list[PolicyState]]:
    """Collect the decisions of this context, including tasks started in it."""
    states: list[PolicyState] = []
    token = _decided.set(states)
    try:
        yield states
    finally:
        _decided.reset(token)


def clear_decisions() -> None:
    """The decisions were undone."""
    states = _decided.get()
    if states is not None:
        states.clear()


def record_decision(state: PolicyState) -> None:
    """Keep a decision for the response's headers."""
    states = _decided.get()
    if states is not None:
        states.append(state)
