"""The input of a generation request, and the most that one model call for it can cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from db.models import GenerationRequest, LanguageModel
from domain.caller import Caller
from domain.errors import Invalid
from domain.generation import prompt
from domain.limits.captcha import Proof
from domain.llm.catalogue import worst_case_usd
from domain.text import clean, graphemes

TOPIC_GRAPHEMES = 120
TOPIC_LENGTH = 1_000
"""In code points, of which one character may have any number."""

PROMPT_BYTES_AT_MOST = 16_000
"""The most a prompt may take; quotes are made for a prompt of this size."""

PAID = "paid"
"""The origin of requests that a credit pays for."""


@dataclass(frozen=True)
class GenerationInput:
    """What a caller asks for; every field may be left out."""

    topic: str | None = None
    model: str | None = None
    temperature: float | None = None
    proof: Proof | None = None
    """A captcha's, where one is required."""
    pay_with: Literal["allowance", "credit"] = "allowance"


def quote_usd(model: LanguageModel) -> Decimal:
    """The most one call with this model can cost, in US dollars."""
    return worst_case_usd(model, PROMPT_BYTES_AT_MOST)


def read_topic(text: str | None) -> str | None:
    """The topic as it is stored; None when there is none.

    Raises:
        Invalid: It is too long.
    """
    topic = clean(text) if text else ""
    if graphemes(topic) > TOPIC_GRAPHEMES or len(topic) > TOPIC_LENGTH:
        raise Invalid(
            f"A topic has at most {TOPIC_GRAPHEMES} characters. Yours has {graphemes(topic)}.",
            field="/topic",
        )
    return topic or None


def new_request(
    caller: Caller, model: LanguageModel, inputs: GenerationInput, *, topic: str | None, origin: str
) -> GenerationRequest:
    """A request, not added to the database yet."""
    return GenerationRequest(
        caller_id=caller.id,
        network=caller.network,
        origin=PAID if inputs.pay_with == "credit" else origin,
        topic=topic,
        model=model.id,
        model_pinned=inputs.model is not None,
        temperature=inputs.temperature,
        prompt_version=prompt.PROMPT_VERSION,
        quote_usd=quote_usd(model),
    )
