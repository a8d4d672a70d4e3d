"""What every table shares: a time-ordered key, UTC times and exact money."""

from datetime import datetime
from uuid import UUID

from advanced_alchemy.base import DefaultBase
from sqlalchemy import DateTime, Numeric, func, text
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

USD = Numeric(20, 12)
"""US dollars to twelve decimals: token prices have up to ten. See docs/adr/0004."""

Instant = DateTime(timezone=True)
"""A moment; stored and read as UTC."""


class Base(DefaultBase):
    __abstract__ = True


class Keyed(Base):
    """A table whose rows are known by a UUIDv7.

    Not Advanced Alchemy's own base: that one adds a sentinel column to every table.
    """

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(
        default=uuid7, server_default=text("gen_random_uuid()"), primary_key=True, sort_order=-100
    )
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now(), sort_order=100)
