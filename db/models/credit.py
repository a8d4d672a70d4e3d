from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant


class CreditGrant(Base):
    """The credits one checkout granted and their use: the sums of its entries.

    Credits that are not held, used or revoked are available.
    """

    __tablename__ = "credit_grants"
    __table_args__ = (
        CheckConstraint("granted > 0 AND held >= 0 AND used >= 0", name="not_negative"),
        CheckConstraint("held + used + revoked <= granted", name="not_overdrawn"),
        # While any credit is owed none is available, so that it cannot be held.
        CheckConstraint(
            "0 <= revoked AND revoked <= owed AND owed <= granted"
            " AND (revoked = owed OR held + used + revoked = granted)",
            name="owed_comes_first",
        ),
        Index("ix_credit_grants_owner", "owner_id", "product", "created_at"),
    )

    checkout_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: the grant is kept when a checkout is deleted."""
    owner_id: Mapped[UUID]
    """The visitor's identity; their API keys use the credits too."""
    product: Mapped[str] = mapped_column(String(32))
    granted: Mapped[int]
    held: Mapped[int] = mapped_column(server_default=text("0"))
    """For work in progress."""
    used: Mapped[int] = mapped_column(server_default=text("0"))
    """For work that was delivered."""
    revoked: Mapped[int] = mapped_column(server_default=text("0"))
    """Because the money was refunded or disputed."""
    owed: Mapped[int] = mapped_column(server_default=text("0"))
    """How many the refunded or disputed money was for. Held and used ones are revoked only once
    they are given back."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class CreditHold(Base):
    """The credit that pays for one request."""

    __tablename__ = "credit_holds"
    __table_args__ = (
        CheckConstraint("state IN ('held','used','given_back')", name="state"),
        Index("ix_credit_holds_held", "created_at", postgresql_where=text("state = 'held'")),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: a generation request, or anything else that credits pay for."""
    checkout_id: Mapped[UUID] = mapped_column(ForeignKey("credit_grants.checkout_id"))
    state: Mapped[str] = mapped_column(String(16), server_default="held")
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class CreditEntry(Base):
    """One movement of credits. Never changed and never deleted: a trigger refuses both."""

    __tablename__ = "credit_entries"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('grant','hold','use','give_back','revoke','restore')", name="kind"
        ),
        Index("ix_credit_entries_checkout", "checkout_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    owner_id: Mapped[UUID]
    """The owner at that time."""
    product: Mapped[str] = mapped_column(String(32))
    checkout_id: Mapped[UUID]
    request_id: Mapped[UUID | None]
    """The request it is for; null when the checkout itself caused it."""
    kind: Mapped[str] = mapped_column(String(16))
    granted: Mapped[int]
    """Change of each amount; negative for a decrease."""
    held: Mapped[int]
    used: Mapped[int]
    revoked: Mapped[int]
