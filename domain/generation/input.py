"""What somebody would like to read about, and the most that writing it can cost."""

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
"""What the examples and the topic may add up to; the quote is made for so much."""

PAID = "paid"
"""The origin of what a credit pays for."""


@dataclass(frozen=True)
class GenerationInput:
    """Everything may be left open."""

    topic: str | None = None
    model: str | None = None
    temperature: float | None = None
    proof: Proof | None = None
    """Of being a person, where that is asked for."""
    pay_with: Literal["allowance", "credit"] = "allowance"


def quote_usd(model: LanguageModel) -> Decimal:
    """The most one call with this model can cost, in US dollars."""
    return worst_case_usd(model, PROMPT_BYTES_AT_MOST)


def read_topic(written: str | None) -> str | None:
    """The topic as it is kept; None when there is none.

    Raises:
        Invalid: It is too long.
    """
    topic = clean(written) if written else ""
    if graphemes(topic) > TOPIC_GRAPHEMES or len(topic) > TOPIC_LENGTH:
        raise Invalid(
            f"A topic has at most {TOPIC_GRAPHEMES} characters. Yours has {graphemes(topic)}.",
            field="/topic",
        )
    return topic or None


def as_request(
    caller: Caller, model: LanguageModel, inputs: GenerationInput, *, topic: str | None, origin: str
) -> GenerationRequest:
    """A request for it, not written down yet."""
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
