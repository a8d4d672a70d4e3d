"""What the two kinds of paid model work share: generation requests and chat turns."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Double, String, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Base, Instant, Keyed

OPEN = ("queued", "running")
"""The states of a run that is not finished."""


class ModelRun(Keyed):
    """Work with language models that one worker at a time carries out, and what it cost."""

    __abstract__ = True

    network: Mapped[str | None] = mapped_column(String(64))
    """The caller's network prefix: /24 of IPv4, /48 of IPv6."""
    model: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16), server_default="queued")
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    """Until when one worker alone may continue it."""
    lease_holder: Mapped[UUID | None]
    """Identifies the lease; a new UUID each time the run is leased."""
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    problem_code: Mapped[str | None] = mapped_column(String(64))
    problem_detail: Mapped[str | None] = mapped_column(String(500))
    allowance_returned: Mapped[bool] = mapped_column(server_default=text("false"))
    """It does not count against the caller's limit: the fault was ours or the model's."""
    quote_usd: Mapped[Decimal] = mapped_column(USD)
    """The most its first call could cost."""
    cost_usd: Mapped[Decimal | None] = mapped_column(USD)
    cost_source: Mapped[str | None] = mapped_column(String(16))

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class PaidCall(Base):
    """One call of a paid service for a run, written down before it is made."""

    __abstract__ = True

    number: Mapped[int]
    """From 1, in the order of the run's calls."""
    model: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    upstream_id: Mapped[str | None] = mapped_column(String(255))
    """OpenRouter's id of the generation, known before its first token."""
    quote_usd: Mapped[Decimal] = mapped_column(USD)
    cost_usd: Mapped[Decimal | None] = mapped_column(USD)
    cost_source: Mapped[str | None] = mapped_column(String(16))
    provider: Mapped[str | None] = mapped_column(String(128))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_token_s: Mapped[float | None] = mapped_column(Double)
    total_s: Mapped[float | None] = mapped_column(Double)
    called_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def hold_id(self) -> UUID | None:
        """The ledger's id of what is held for this call alone; None where the run holds the
        money for all of its calls."""
        return None

    @property
    def most_usd(self) -> Decimal:
        """What the call has cost; while that is unknown, the most it can cost."""
        if self.state == "unbilled":
            return Decimal(0)
        return self.quote_usd if self.cost_usd is None else self.cost_usd
