from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant


class CreditGrant(Base):
    """What one checkout granted and what became of it: the sums of its entries.

    What is neither held nor used nor revoked is left.
    """

    __tablename__ = "credit_grants"
    __table_args__ = (
        CheckConstraint("granted > 0 AND held >= 0 AND used >= 0", name="not_negative"),
        CheckConstraint("held + used + revoked <= granted", name="not_overdrawn"),
        # As long as anything is owed nothing is left, so that nobody draws on it.
        CheckConstraint(
            "0 <= revoked AND revoked <= owed AND owed <= granted"
            " AND (revoked = owed OR held + used + revoked = granted)",
            name="owed_comes_first",
        ),
        Index("ix_credit_grants_owner", "owner_id", "product", "created_at"),
    )

    checkout_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: what was paid for stays on the books when a checkout is deleted."""
    owner_id: Mapped[UUID]
    """The visitor's identity; their keys draw on it too."""
    product: Mapped[str] = mapped_column(String(32))
    granted: Mapped[int]
    held: Mapped[int] = mapped_column(server_default=text("0"))
    """For work that is under way."""
    used: Mapped[int] = mapped_column(server_default=text("0"))
    """For work that was delivered."""
    revoked: Mapped[int] = mapped_column(server_default=text("0"))
    """Because the money went back."""
    owed: Mapped[int] = mapped_column(server_default=text("0"))
    """How many the money that went back was for; those held or used cannot be revoked, unless
    they are given back."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class CreditHold(Base):
    """The credit that one request draws on."""

    __tablename__ = "credit_holds"
    __table_args__ = (
        CheckConstraint("state IN ('held','used','given_back')", name="state"),
        Index("ix_credit_holds_held", "created_at", postgresql_where=text("state = 'held'")),
    )

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: of a request for a factoid, or of something else that is paid for."""
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
    """Whose it was then."""
    product: Mapped[str] = mapped_column(String(32))
    checkout_id: Mapped[UUID]
    request_id: Mapped[UUID | None]
    """What it was held for; null where the checkout itself moved it."""
    kind: Mapped[str] = mapped_column(String(16))
    granted: Mapped[int]
    """By how much each changed; negative when it became less."""
    held: Mapped[int]
    used: Mapped[int]
    revoked: Mapped[int]
