from datetime import datetime
from typing import Any

from sqlalchemy import String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Instant, Keyed


class OutboxRow(Keyed):
    """A job that must run; the row is deleted when the job is done.

    The relay enqueues a due row and postpones `due_at`. The queue ignores a job it still has, so a
    job that the queue lost is enqueued again.
    """

    __tablename__ = "outbox"

    job: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128), unique=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now(), index=True)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
