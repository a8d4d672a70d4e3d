from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index, LargeBinary, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Base, Instant, Keyed


class ApiKey(Keyed):
    """An API key. Only a keyed hash of its text is stored."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_owner", "owner_id", "created_at"),
        Index("ix_api_keys_network", "network", "created_at"),
        Index("ix_api_keys_changed", "changed_at"),
    )

    owner_id: Mapped[UUID | None]
    """The visitor who created it; null for a key of the operator."""
    network: Mapped[str | None] = mapped_column(String(64))
    """The network prefix it was created from."""
    name: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    last4: Mapped[str] = mapped_column(String(4))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    previous_key_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Hash of the secret before the last rotation."""
    previous_key_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    rate_limit: Mapped[str | None] = mapped_column(String(200))
    """Its own generation limits, in the format of the settings; null for the default limits."""
    budget_usd: Mapped[Decimal | None] = mapped_column(USD)
    """Its own budget per UTC day; null for the default budget."""
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    rotated_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    """Precise to the minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    """When a field that authentication uses last changed; processes poll for newer rows."""


class SignedOutVisitor(Base):
    """A visitor identity that was signed out and may not be used again."""

    __tablename__ = "signed_out_visitors"
    __table_args__ = (
        Index("ix_signed_out_visitors_at", "signed_out_at"),
        Index("ix_signed_out_visitors_network", "network", "signed_out_at"),
    )

    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    network: Mapped[str | None] = mapped_column(String(64))
    signed_out_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
