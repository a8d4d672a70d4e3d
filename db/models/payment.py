from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant, Keyed


class Checkout(Keyed):
    """A purchase: its price, its status and what is granted for it.

    Its id is Stripe's `client_reference_id` and idempotency key. Amounts are whole numbers of the
    currency's smallest unit, as Stripe counts.
    """

    __tablename__ = "checkouts"
    __table_args__ = (
        CheckConstraint(
            "status IN ('open','processing','paid','failed','expired','refunded','disputed')",
            name="status",
        ),
        CheckConstraint("amount > 0 AND credits > 0", name="positive"),
        CheckConstraint("paid >= 0 AND refunded >= 0 AND disputed >= 0", name="not_negative"),
        # Two clicks at the same time get the same checkout.
        Index(
            "uq_checkouts_open",
            *("owner_id", "offer_hash"),
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_checkouts_owner", "owner_id", text("created_at DESC")),
        Index("ix_checkouts_payment_intent", "payment_intent"),
        Index(
            "ix_checkouts_unfinished",
            "created_at",
            postgresql_where=text("status IN ('open','processing')"),
        ),
        Index("ix_checkouts_paid_at", "paid_at"),
        UniqueConstraint("session_id"),
    )

    owner_id: Mapped[UUID]
    """The visitor's identity; of an API key, that of the account it belongs to."""
    network: Mapped[str | None] = mapped_column(String(64))
    product: Mapped[str] = mapped_column(String(32))
    credits: Mapped[int]
    """The number of credits granted for it."""
    amount: Mapped[int] = mapped_column(BigInteger)
    """The price, before any promotion code."""
    currency: Mapped[str] = mapped_column(String(3))
    livemode: Mapped[bool]
    """Whether it is real money."""
    offer_hash: Mapped[str] = mapped_column(String(64))
    """A hash of the product, its price and the generation input."""
    topic: Mapped[str | None] = mapped_column(String(1_000))
    model: Mapped[str | None] = mapped_column(String(255))
    generate_on_payment: Mapped[bool]
    """Whether a factoid is generated as soon as it is paid."""
    generation_request_id: Mapped[UUID | None]
    """No foreign key: the checkout is kept when a request is deleted."""
    generation_abandoned_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the generation was given up; its credit stays available."""

    status: Mapped[str] = mapped_column(String(16), server_default="open")
    session_id: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(String(4_000))
    payment_intent: Mapped[str | None] = mapped_column(String(255))
    paid: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """The amount paid: less than the price with a promotion code."""
    refunded: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    disputed: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """The amount withdrawn for disputes that are open or lost."""
    revoked: Mapped[int] = mapped_column(server_default=text("0"))
    """How many of the credits are no longer paid for, used or not."""
    snapshot_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Sequence number of the last applied snapshot of Stripe; older snapshots are dropped."""
    polled_at: Mapped[datetime | None] = mapped_column(Instant)
    """When a waiting page last caused a request to Stripe."""
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    """When its entries were last compared with Stripe's figures."""
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class StripeEvent(Base):
    """An event as Stripe sent it; the primary key makes a repeated event harmless."""

    __tablename__ = "stripe_events"
    __table_args__ = (Index("ix_stripe_events_created", "created"),)

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(128))
    livemode: Mapped[bool]
    created: Mapped[datetime] = mapped_column(Instant)
    """By Stripe's clock."""
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    checkout_id: Mapped[UUID | None]
    """The checkout it is about; null when it is none of ours."""
    applied_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    """It is stored in the transaction that applies it."""


class PaymentEntry(Base):
    """One movement of money. Never changed and never deleted: a trigger refuses both."""

    __tablename__ = "payment_entries"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('charged','uncharged','refunded','refund_failed','disputed','reinstated')",
            name="kind",
        ),
        Index("ix_payment_entries_checkout", "checkout_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    checkout_id: Mapped[UUID] = mapped_column(ForeignKey("checkouts.id"))
    kind: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(255))
    """Stripe's id of the session, refund or dispute."""
    amount: Mapped[int] = mapped_column(BigInteger)
    """In the smallest unit; negative for money that leaves us."""
    currency: Mapped[str] = mapped_column(String(3))
