from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, Identity, Index, String, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Base, Instant


class BudgetPot(Base):
    """What one pot may spend on a UTC day, has reserved and has spent.

    `reserved_usd` and `spent_usd` are the sums of its ledger entries.
    """

    __tablename__ = "budget_pots"
    __table_args__ = (
        CheckConstraint("reserved_usd >= 0 AND spent_usd >= 0", name="not_negative"),
        Index("ix_budget_pots_day", "day"),
        # Updated with every request: free space in the page allows HOT updates.
        {"postgresql_with": {"fillfactor": 50}},
    )

    pot: Mapped[str] = mapped_column(String(64), primary_key=True)
    """`global`, `scheduled`, `paid`, `tier:visitor`, `tier:key`, `visitor:<id>`, `key:<id>` or
    `paid:<id>`."""
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    limit_usd: Mapped[Decimal] = mapped_column(USD)
    """The limit when money was last reserved."""
    reserved_usd: Mapped[Decimal] = mapped_column(USD, server_default=text("0"))
    spent_usd: Mapped[Decimal] = mapped_column(USD, server_default=text("0"))
    refused_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it first refused an amount."""


class BudgetReservation(Base):
    """The amount reserved for one request in all of its pots, and its final cost."""

    __tablename__ = "budget_reservations"
    __table_args__ = (
        CheckConstraint("state IN ('open','settled','released')", name="state"),
        Index(
            "ix_budget_reservations_open",
            "created_at",
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_budget_reservations_overspent",
            "day",
            postgresql_where=text("spent_usd > amount_usd"),
        ),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: what was spent stays on the books when a request is deleted."""
    day: Mapped[date] = mapped_column(Date)
    pots: Mapped[list[str]] = mapped_column(ARRAY(String(64)))
    amount_usd: Mapped[Decimal] = mapped_column(USD)
    """The most the request could cost, as last extended."""
    spent_usd: Mapped[Decimal] = mapped_column(USD, server_default=text("0"))
    state: Mapped[str] = mapped_column(String(16), server_default="open")
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class LedgerEntry(Base):
    """One movement of one pot. Never changed and never deleted: a trigger refuses both."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("kind IN ('reserve','extend','settle','release')", name="kind"),
        Index("ix_ledger_entries_pot", "pot", "day"),
        Index("ix_ledger_entries_request", "request_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    pot: Mapped[str] = mapped_column(String(64))
    day: Mapped[date] = mapped_column(Date)
    request_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(16))
    reserved_usd: Mapped[Decimal] = mapped_column(USD)
    """Change of the reserved amount; negative when it is freed."""
    spent_usd: Mapped[Decimal] = mapped_column(USD)
    """Change of the spent amount."""


class BudgetAlert(Base):
    """An alert about one pot on one day for one channel, stored before it is sent."""

    __tablename__ = "budget_alerts"

    pot: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    level: Mapped[str] = mapped_column(String(16), primary_key=True)
    """`half`, `soft`, `hard`, `projected`, `unusual` or `beyond_quote`."""
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    """`log`, `email`, `slack` or `posthog`."""
    used_usd: Mapped[Decimal] = mapped_column(USD)
    limit_usd: Mapped[Decimal] = mapped_column(USD)
    detected_at: Mapped[datetime] = mapped_column(Instant)
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)
    """When a sender claimed it; for a while no other sender takes it."""
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
