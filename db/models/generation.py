from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Numeric, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Instant
from db.models.model_run import ModelRun, PaidCall


class GenerationRequest(ModelRun):
    """A request for a factoid: whose, about what, its state and its cost.

    Reserved when the row exists, called when it has a `ModelCall`, answered when that
    holds an answer, published with a `factoid_id`, settled at `settled_at`.
    """

    __tablename__ = "generation_requests"
    __table_args__ = (
        CheckConstraint(
            "status IN ('queued','running','succeeded','failed','cancelled','refused')",
            name="status",
        ),
        # One factoid per slot of the schedule, however many workers request it.
        Index(
            "uq_generation_requests_slot",
            "slot",
            unique=True,
            postgresql_where=text("status IN ('queued','running','succeeded')"),
        ),
        Index("ix_generation_requests_caller", "caller_id", text("created_at DESC")),
    )

    caller_id: Mapped[UUID | None]
    origin: Mapped[str] = mapped_column(String(16))
    slot: Mapped[datetime | None] = mapped_column(Instant)
    """The moment of the schedule it was made for."""
    topic: Mapped[str | None] = mapped_column(String(1_000))
    model_pinned: Mapped[bool]
    """Whether the caller named the model; then no other may answer."""
    temperature: Mapped[float | None] = mapped_column(Double)
    prompt_version: Mapped[str] = mapped_column(String(16))
    factoid_id: Mapped[UUID | None] = mapped_column(ForeignKey("factoids.id", ondelete="SET NULL"))
    provider: Mapped[str | None] = mapped_column(String(128))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_token_s: Mapped[float | None] = mapped_column(Double)
    total_s: Mapped[float | None] = mapped_column(Double)


class ModelCall(PaidCall):
    """One call of a language model for a request; the request holds the money for all of them."""

    __tablename__ = "model_calls"
    __table_args__ = (
        CheckConstraint("state IN ('called','answered','settled','unbilled')", name="state"),
    )

    request_id: Mapped[UUID] = mapped_column(
        ForeignKey("generation_requests.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    answer: Mapped[str | None] = mapped_column(Text)


class LanguageModel(Base):
    """One allowed model of OpenRouter's catalogue, as last read."""

    __tablename__ = "language_models"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    prompt_usd: Mapped[Decimal] = mapped_column(Numeric(20, 14))
    completion_usd: Mapped[Decimal] = mapped_column(Numeric(20, 14))
    request_usd: Mapped[Decimal] = mapped_column(Numeric(20, 14))
    context_tokens: Mapped[int | None]
    parameters: Mapped[list[str]] = mapped_column(ARRAY(String(64)))
    fetched_at: Mapped[datetime] = mapped_column(Instant)
    failed_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since when it has been failing; null while it is healthy."""
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    """Failures in a row."""
