"""How calls of language models fail, in words a visitor understands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RETRY_AFTER_AT_MOST_S = 10
"""A model that asks to wait longer counts as unavailable."""


REFUSED = {"refusal", "content_policy_violation"}
"""Types of errors that mean that a model declines a topic."""

MODERATION = {"reasons", "flagged_input"}
"""What moderation alone says; a provider that refuses for its own reasons says neither."""

BUSY_STATUSES = {408, 429, 500, 502, 503, 504, 524, 529}
NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Error:
    """An error as a model server describes it."""

    message: str = ""
    status: int | None = None
    """The HTTP status that it would have had instead of an answer, where it says so."""
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


class ModelFailed(Exception):
    """A language model gave no usable answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        billed: bool,
        again: bool = False,
        elsewhere: bool = False,
        refused: bool = False,
        retry_after_s: float | None = None,
        unhealthy: bool = True,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.billed = billed
        """Whether it may have been billed; if not, another call cannot bill it twice."""
        self.again = again
        """Whether another call may succeed."""
        self.elsewhere = elsewhere
        """Whether another model may succeed where this one cannot."""
        self.refused = refused
        """Whether the model declined the topic, rather than failed."""
        self.retry_after_s = retry_after_s
        self.unhealthy = unhealthy
        """Whether the cause is the model, rather than the request or our account."""


def unreachable() -> ModelFailed:
    return ModelFailed(
        "model_unreachable",
        "The language model cannot be reached right now. Please try again in a minute.",
        billed=False,
        again=True,
    )


def no_answer_in_time() -> ModelFailed:
    return ModelFailed(
        "model_timeout",
        "The language model took too long to answer. Please try again.",
        billed=True,
    )


def broken_answer(detail: str) -> ModelFailed:
    return ModelFailed("answer_broken", f"{detail} Please try again.", billed=True)


def declined_answer() -> ModelFailed:
    """A model that began and then declined."""
    return _declined(billed=True)


def failure_within_answer(error: Error, *, begun: bool) -> ModelFailed:
    """The failure that an error means in the body of an answer.

    Source: OpenRouter docs, "Errors and debugging" and "Zero completion insurance": before the
    first piece it is what it would have been instead of an answer, and is not billed.
    """
    if error.metadata.get("error_type") in REFUSED:
        return _declined(billed=True)
    if begun or error.status is None or not 400 <= error.status < 600:
        return broken_answer("The model's provider failed in the middle of the answer.")
    return failure_of(error.status, error, NO_HEADERS)


def failure_of(status: int, error: Error, headers: Mapping[str, str]) -> ModelFailed:
    """The failure that an error response instead of an answer means; it is not billed.

    Source: OpenRouter docs, "Errors and debugging".
    """
    metadata = error.metadata
    if metadata.get("error_type") in REFUSED:
        return _declined(billed=False)
    if status == 402 and metadata.get("limit_source") == "openrouter_in_flight_budget":
        return _busy(headers)
    if status in {402, 403} and ("limit_source" in metadata or status == 402):
        return ModelFailed(
            "out_of_credit",
            "The site has used up its credit for language models. Reading and voting still work.",
            billed=False,
            unhealthy=False,
        )
    if status == 403 and not MODERATION.isdisjoint(metadata):
        return _declined(billed=False)
    if status == 401 and "provider_name" not in metadata:
        return ModelFailed(
            "model_key_refused",
            "The site's access to language models is not set up right. Please come back later.",
            billed=False,
            unhealthy=False,
        )
    if status in BUSY_STATUSES:
        return _busy(headers)
    if 300 <= status < 400:
        return ModelFailed(
            "model_moved",
            "The language model cannot be reached right now. Please try again in a minute.",
            billed=False,
            unhealthy=False,
        )
    return ModelFailed(
        "model_rejected_request",
        "The language model could not work with this request. Try another topic or model.",
        billed=False,
        elsewhere=True,
    )


def _declined(*, billed: bool) -> ModelFailed:
    return ModelFailed(
        "model_declined",
        "The language model declined to write about that. Try another topic.",
        billed=billed,
        refused=True,
        unhealthy=False,
    )


def _busy(headers: Mapping[str, str]) -> ModelFailed:
    asked = headers.get("Retry-After", headers.get("retry-after", ""))
    retry_after_s = float(asked) if asked.isascii() and asked.isdecimal() else None
    return ModelFailed(
        "model_busy",
        "The language model is busy right now. Please try again in a minute.",
        billed=False,
        again=retry_after_s is None or retry_after_s <= RETRY_AFTER_AT_MOST_S,
        retry_after_s=retry_after_s,
    )
