from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant, Keyed


class RateLimitSnapshot(Base):
    """What one window of a policy, or whatever else, admitted and refused in one minute, of one
    kind of caller.
    """

    __tablename__ = "rate_limit_snapshots"

    minute: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    policy: Mapped[str] = mapped_column(String(32), primary_key=True)
    caller_kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    window: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Its name; or what refused instead of a window: `captcha`, `captcha_away` or `budget`."""
    admitted: Mapped[int]
    """By the whole policy, so the same in each of its windows. The budget may refuse it still."""
    refused: Mapped[int]
    """Because this window was full, and of them all would have waited for it the longest."""
    refused_by_network: Mapped[int]
    """How many of these because it was the network's."""


class Anomaly(Keyed):
    """Something strange about an identity or a network."""

    __tablename__ = "anomalies"
    __table_args__ = (UniqueConstraint("kind", "subject", "detected_at"),)

    kind: Mapped[str] = mapped_column(String(16))
    """identities (many on a network), networks (many of an identity) or refusals."""
    subject: Mapped[str] = mapped_column(String(64))
    """The identity or the network prefix."""
    observed: Mapped[int]
    detected_at: Mapped[datetime] = mapped_column(Instant, index=True)


class FallbackUse(Keyed):
    """A use counted here while Redis is away. Not worth keeping over a crash of the database."""

    __tablename__ = "fallback_uses"
    __table_args__ = (
        Index("ix_fallback_uses_subject", "subject", "used_at"),
        {"prefixes": ["UNLOGGED"]},
    )

    subject: Mapped[str] = mapped_column(String(128))
    """Policy and whose: the caller's id or the network's prefix."""
    used_at: Mapped[datetime] = mapped_column(Instant, server_default=func.clock_timestamp())
