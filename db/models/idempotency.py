from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant


class IdempotencyKey(Base):
    """A call that must not happen twice: who made it, what was asked and what was answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (CheckConstraint("state IN ('running','done')", name="state"),)

    caller_id: Mapped[UUID] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    result_id: Mapped[UUID]
    """The id of what the call makes. A repeat after a crash tries to make the same, and finds it
    made."""
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the address and the body asked with."""
    state: Mapped[str] = mapped_column(String(16))
    locked_by: Mapped[UUID]
    """Who is answering it: a name made anew by each who begins to."""
    locked_until: Mapped[datetime] = mapped_column(Instant)
    """Until when nobody else may begin to, unless it is done before."""
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[list[list[str]] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: an answer may hold a secret that is shown only once."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now(), index=True)
