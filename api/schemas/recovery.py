"""The wire shapes of recovery links."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Self

import msgspec
from msgspec import Meta


@dataclass
class RecoveryOut:
    """A link that makes another browser you; this answer alone shows it. Keep it like a key."""

    link: str
    """Open it on the other device. What identifies you stands behind the `#`, which browsers
    send to nobody."""
    expires_at: datetime
    """It also ends when you sign out everywhere."""

    @classmethod
    def example(cls) -> Self:
        return cls(
            link="https://factoids.example/recover#5d1f09c2.6740d1f4.019a4f3e.q8mE",
            expires_at=datetime(2026, 12, 20, 9, 0, 4, tzinfo=UTC),
        )


class RecoverIn(msgspec.Struct, forbid_unknown_fields=True):
    """A recovery link's part behind the `#`."""

    token: Annotated[str, Meta(min_length=1, max_length=500, pattern="^[!-~]+$")]
    replace: bool = False
    """Go on though this browser has credits or keys of its own, which stay with who you are now."""

    @classmethod
    def example(cls) -> Self:
        return cls(token="5d1f09c2.6740d1f4.019a4f3e.q8mE")


@dataclass
class RecoveredOut:
    """You are who made the link: the answer's cookie says so."""

    way_back: RecoveryOut | None = None
    """A link to who you were, where credits or keys were left; null when there were none."""

    @classmethod
    def example(cls) -> Self:
        return cls(way_back=RecoveryOut.example())
