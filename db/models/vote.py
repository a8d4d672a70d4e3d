from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, SmallInteger, String, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant, Keyed


class Vote(Base):
    """The vote of one voter on one factoid; 0 after it was withdrawn."""

    __tablename__ = "votes"
    __table_args__ = (CheckConstraint("value IN (-1, 0, 1)", name="value"),)

    factoid_id: Mapped[UUID] = mapped_column(
        ForeignKey("factoids.id", ondelete="CASCADE"), primary_key=True
    )
    voter_id: Mapped[UUID] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(SmallInteger)
    cast_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class Feedback(Keyed):
    """A visitor's reasons for liking or disliking a factoid."""

    __tablename__ = "feedback"
    factoid_id: Mapped[UUID] = mapped_column(
        ForeignKey("factoids.id", ondelete="CASCADE"), index=True
    )
    caller_id: Mapped[UUID]
    network: Mapped[str | None] = mapped_column(String(64))
    """The visitor's network prefix."""
    vote: Mapped[int | None] = mapped_column(SmallInteger)
    """The visitor's vote when the feedback was given."""
    comment: Mapped[str | None] = mapped_column(Text)
    """At most 1,000 grapheme clusters."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
