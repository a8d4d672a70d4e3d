from datetime import datetime
from typing import Any

from sqlalchemy import String, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Instant, Keyed


class OutboxRow(Keyed):
    """A job that must happen; the row goes when the job is done.

    The relay offers a due row to the queue and moves `due_at` on. The queue drops the
    offer while it still has the job, so a job the queue has lost is simply offered again.
    """

    __tablename__ = "outbox"

    job: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128), unique=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    due_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now(), index=True)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
