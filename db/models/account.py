from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Base, Instant, Keyed


class ApiKey(Keyed):
    """A key for scripts. What it is spelt like is nowhere: only a seal to know it again by."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_owner", "owner_id", "created_at"),
        Index("ix_api_keys_network", "network", "created_at"),
        Index("ix_api_keys_changed", "changed_at"),
    )

    owner_id: Mapped[UUID | None]
    """The visitor who made it; null for the owner of the site's own."""
    network: Mapped[str | None] = mapped_column(String(64))
    """Where it was made from."""
    name: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    last4: Mapped[str] = mapped_column(String(4))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_key_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of the secret before the last rotation."""
    previous_key_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    rate_limit: Mapped[str | None] = mapped_column(String(200))
    """Its own generation limits, as in the settings; null for those of every key."""
    budget_usd: Mapped[Decimal | None] = mapped_column(USD)
    """Its own budget a UTC day; null for that of every key."""
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    rotated_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    """To the minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    """When what a request must know of it last changed; processes look for what is newer."""


class SignedOutVisitor(Base):
    """A visitor's identity that nobody is any more."""

    __tablename__ = "signed_out_visitors"
    __table_args__ = (
        Index("ix_signed_out_visitors_at", "signed_out_at"),
        Index("ix_signed_out_visitors_network", "network", "signed_out_at"),
    )

    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    network: Mapped[str | None] = mapped_column(String(64))
    signed_out_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
