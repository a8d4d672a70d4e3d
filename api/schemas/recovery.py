"""The wire shapes of recovery links."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Self

import msgspec
from msgspec import Meta


@dataclass
class RecoveryOut:
    """A recovery link, which makes another browser the same visitor; a secret like a key."""

    link: str
    """To open on the other device. The token is in the fragment, which browsers do not send."""
    expires_at: datetime
    """Signing out everywhere ends it earlier."""

    @classmethod
    def example(cls) -> Self:
        return cls(
            link="https://factoids.example/recover#5d1f09c2.6740d1f4.019a4f3e.q8mE",
            expires_at=datetime(2026, 12, 20, 9, 0, 4, tzinfo=UTC),
        )


class RecoverIn(msgspec.Struct, forbid_unknown_fields=True):
    """The fragment of a recovery link."""

    token: Annotated[str, Meta(min_length=1, max_length=500, pattern="^[!-~]+$")]
    replace: bool = False
    """Proceed although the current visitor has credits or keys, which stay with that visitor."""

    @classmethod
    def example(cls) -> Self:
        return cls(token="5d1f09c2.6740d1f4.019a4f3e.q8mE")


@dataclass
class RecoveredOut:
    """Confirms the change of visitor, made by the response's cookie."""

    way_back: RecoveryOut | None = None
    """A link to the former visitor if it has credits or keys, else null."""

    @classmethod
    def example(cls) -> Self:
        return cls(way_back=RecoveryOut.example())
