"""The wire shapes of generating a factoid: the request, its progress, limits and models."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.factoids import FactoidOut

GenerationStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "refused"]


class GenerateIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to write about and with which model; everything may be left out."""

    topic: Annotated[str, Meta(max_length=1_000)] | None = None
    """Free text, at most 120 characters as a reader counts them."""
    model: Annotated[str, Meta(max_length=200)] | None = None
    """An id from `GET /api/models`; without one the product chooses."""
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None


@dataclass
class QuoteOut:
    """The most a request can cost, before it runs."""

    model: str
    worst_case_usd: Decimal


@dataclass
class GenerationProblem:
    """Why a generation ended without a factoid, in words a visitor understands."""

    code: str
    detail: str
    retry_after_s: int | None = None


@dataclass
class ReceiptOut:
    """What a generation used and cost."""

    model: str | None
    provider: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_source: str | None
    """usage (in the answer), generation (asked for afterwards), quote (the worst case) or none."""
    first_token_s: float | None
    total_s: float | None
    prompt_version: str
    calls: int
    """How often a model was called for this request."""


@dataclass
class GenerationOut:
    """A request for a factoid, its state and, at its end, the factoid or the problem."""

    id: UUID
    status: GenerationStatus
    topic: str | None
    created_at: datetime
    stream_url: str
    quote: QuoteOut
    receipt: ReceiptOut
    finished_at: datetime | None = None
    factoid: FactoidOut | None = None
    problem: GenerationProblem | None = None


@dataclass
class GenerationsOut:
    items: list[GenerationOut]


@dataclass
class LimitOut:
    """One window of the generation limit and what the caller has left in it."""

    name: str
    limit: int
    window_s: int
    remaining: int
    reset_s: int
    """Seconds until at least one more is allowed; 0 when one is allowed now."""


@dataclass
class LimitsOut:
    limits: list[LimitOut]


@dataclass
class ModelOut:
    """A language model that may be asked for. Prices are US dollars per token."""

    id: str
    name: str
    prompt_usd: Decimal
    completion_usd: Decimal
    request_usd: Decimal
    context_tokens: int | None
    worst_case_usd: Decimal
    """The most one factoid can cost with it."""


@dataclass
class ModelsOut:
    items: list[ModelOut]
    fetched_at: datetime | None
    """When the catalogue was last read from OpenRouter."""


@dataclass
class StatusEvent:
    """SSE event `status`: where the request is. `writing` starts the text anew."""

    state: Literal["queued", "running", "writing", "checking", "retrying"]
    detail: str
    """The same in words."""


@dataclass
class TokenEvent:
    """SSE event `token`: the next piece of the factoid's text."""

    text: str


@dataclass
class LiveTally:
    """SSE event `tally` on the live stream."""

    factoid_id: UUID
    votes_up: int
    votes_down: int
