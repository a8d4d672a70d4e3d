"""The wire shapes of generating a factoid: the request, its progress, limits and models."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.factoids import FactoidOut
from api.schemas.problem import CaptchaOut

GenerationStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "refused"]


class GenerateIn(msgspec.Struct, forbid_unknown_fields=True):
    """The topic, model and payment of a generation; all fields are optional."""

    topic: Annotated[str, Meta(max_length=1_000)] | None = None
    """Free text, at most 120 grapheme clusters."""
    model: Annotated[str, Meta(max_length=200)] | None = None
    """An id from `GET /api/models`; by default the product chooses."""
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    pay_with: Literal["allowance", "credit"] = "allowance"
    """allowance: free, within the limits. credit: pay one credit; the free limits do not apply."""
    captcha_token: (
        Annotated[str, Meta(min_length=1, max_length=8_000, pattern="^[!-~]+$")] | None
    ) = None
    """The token of the CAPTCHA widget after a refusal with `captcha_required`, valid once."""

    @classmethod
    def example(cls) -> Self:
        return cls(topic="octopuses")


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
    """usage (in the response), generation (queried afterwards), quote (the worst case) or none."""
    first_token_s: float | None
    total_s: float | None
    prompt_version: str
    calls: int
    """The number of model calls for this request."""
    credit: Literal["held", "used", "given_back"] | None = None
    """The state of the credit that pays: held until the factoid is published, given back on
    failure; null if the request is free."""


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

    @classmethod
    def example(cls) -> Self:
        request_id = UUID("019a4f3d-20aa-7c55-8f0e-3b9d6a41c2e7")
        return cls(
            id=request_id,
            status="succeeded",
            topic="octopuses",
            created_at=datetime(2026, 11, 20, 9, 0, 2, tzinfo=UTC),
            stream_url=f"/api/factoids/generate/{request_id}/stream",
            quote=QuoteOut("openai/gpt-4o-mini", worst_case_usd=Decimal("0.00042")),
            receipt=ReceiptOut(
                model="openai/gpt-4o-mini",
                provider="OpenAI",
                prompt_tokens=402,
                completion_tokens=38,
                cost_usd=Decimal("0.0000831"),
                cost_source="usage",
                first_token_s=0.6,
                total_s=1.7,
                prompt_version="1",
                calls=1,
            ),
            finished_at=datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC),
            factoid=FactoidOut.example(),
        )


@dataclass
class GenerationsOut:
    items: list[GenerationOut]

    @classmethod
    def example(cls) -> Self:
        return cls([GenerationOut.example()])


@dataclass
class WindowOut:
    """One sliding window of a limit, and what the caller has left in it."""

    name: str
    limit: int
    window_s: int
    remaining: int
    reset_s: int
    """Seconds until `remaining` grows by one; 0 while nothing is used."""


@dataclass
class PolicyOut:
    """The windows of one limit; a request needs something left in each of them."""

    policy: str
    """generate, vote, feedback, checkout or read."""
    windows: list[WindowOut]
    """The shortest first."""


@dataclass
class BudgetOut:
    """The budget left today for the caller's new factoids."""

    state: Literal["open", "low", "used_up"]
    """low from 80 % used; used_up when the rest does not pay for the cheapest model."""
    resets_at: datetime
    """The next midnight UTC."""
    reset_s: int
    left_usd: Decimal
    """The least of what is left for the caller, for all such callers, and for the site."""


@dataclass
class LimitsOut:
    policies: list[PolicyOut]
    budget: BudgetOut
    credits_left: int = 0
    """Factoids that are paid for and not requested yet."""
    captcha: CaptchaOut | None = None
    """Set when the next generation needs a CAPTCHA token."""

    @classmethod
    def example(cls) -> Self:
        minute = WindowOut("minute", limit=1, window_s=60, remaining=0, reset_s=42)
        budget = BudgetOut(
            "open",
            resets_at=datetime(2026, 11, 21, tzinfo=UTC),
            reset_s=53_996,
            left_usd=Decimal("0.2417"),
        )
        return cls([PolicyOut("generate", [minute])], budget)


@dataclass
class ModelOut:
    """An available language model. Prices are in US dollars per token."""

    id: str
    name: str
    prompt_usd: Decimal
    completion_usd: Decimal
    request_usd: Decimal
    context_tokens: int | None
    worst_case_usd: Decimal
    """The worst case for one factoid."""
    chats: bool = False
    """Whether chats can use it, which needs tools."""


@dataclass
class ModelsOut:
    items: list[ModelOut]
    fetched_at: datetime | None
    """When the catalogue was last fetched from OpenRouter."""

    @classmethod
    def example(cls) -> Self:
        model = ModelOut(
            id="openai/gpt-4o-mini",
            name="GPT-4o mini",
            prompt_usd=Decimal("0.00000015"),
            completion_usd=Decimal("0.0000006"),
            request_usd=Decimal(0),
            context_tokens=128_000,
            worst_case_usd=Decimal("0.00042"),
            chats=True,
        )
        return cls([model], fetched_at=datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC))


@dataclass
class StatusEvent:
    """SSE event `status`: the state of the request. At `writing` the text starts anew."""

    state: Literal["queued", "running", "writing", "checking", "retrying"]
    detail: str
    """The state in words."""


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
