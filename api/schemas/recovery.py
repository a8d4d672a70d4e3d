"""The wire shapes of recovery links."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

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


class RecoverIn(msgspec.Struct, forbid_unknown_fields=True):
    """A recovery link's part behind the `#`."""

    token: Annotated[str, Meta(min_length=1, max_length=500, pattern="^[!-~]+$")]
    replace: bool = False
    """Go on though this browser has credits or keys of its own, which stay with who you are now."""


@dataclass
class RecoveredOut:
    """You are who made the link: the answer's cookie says so."""

    way_back: RecoveryOut | None = None
    """A link to who you were, where credits or keys were left; null when there were none."""
