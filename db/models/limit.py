from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant, Keyed


class RateLimitSnapshot(Base):
    """What one window of a policy admitted and refused in a minute, for one kind of caller."""

    __tablename__ = "rate_limit_snapshots"

    minute: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    policy: Mapped[str] = mapped_column(String(32), primary_key=True)
    caller_kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    window: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Its name, or what refused instead: `captcha`, `captcha_away` or `budget`."""
    admitted: Mapped[int]
    """Admissions of the policy, repeated in each window row; the budget may still refuse."""
    refused: Mapped[int]
    """Refusals attributed to this window: the full one with the longest retry-after."""
    refused_by_network: Mapped[int]
    """Those of them that were due to the network's limit."""


class Anomaly(Keyed):
    """Unusual behaviour of an identity or a network."""

    __tablename__ = "anomalies"
    __table_args__ = (UniqueConstraint("kind", "subject", "detected_at"),)

    kind: Mapped[str] = mapped_column(String(16))
    """identities (many on a network), networks (many of an identity) or refusals."""
    subject: Mapped[str] = mapped_column(String(64))
    """The identity or the network prefix."""
    observed: Mapped[int]
    detected_at: Mapped[datetime] = mapped_column(Instant, index=True)


class FallbackUse(Keyed):
    """A use counted in Postgres while Redis is unavailable. Unlogged: lost in a crash."""

    __tablename__ = "fallback_uses"
    __table_args__ = (
        Index("ix_fallback_uses_subject", "subject", "used_at"),
        {"prefixes": ["UNLOGGED"]},
    )

    subject: Mapped[str] = mapped_column(String(128))
    """The policy, and the caller's id or the network prefix."""
    used_at: Mapped[datetime] = mapped_column(Instant, server_default=func.clock_timestamp())
