from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant


class IdempotencyKey(Base):
    """A request with an `Idempotency-Key`: its caller, a hash of it and its response."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (CheckConstraint("state IN ('running','done')", name="state"),)

    caller_id: Mapped[UUID] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    result_id: Mapped[UUID]
    """The id of the resource the request creates. A retry after a crash uses the same id and finds
    what was created."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the path and the body of the request."""
    state: Mapped[str] = mapped_column(String(16))
    locked_by: Mapped[UUID]
    """A new UUID for each attempt to process the request."""
    locked_until: Mapped[datetime] = mapped_column(Instant)
    """No other attempt may start before, unless this one ends earlier."""
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[list[list[str]] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: an answer may hold a secret that is shown only once."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now(), index=True)
