"""How calls of language models fail, in words a visitor understands."""

from collections.abc import Mapping
from typing import Any

RETRY_AFTER_AT_MOST_S = 10
"""A model that asks to wait longer counts as unavailable."""


class ModelFailed(Exception):
    """A language model gave no usable answer."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        billed: bool,
        again: bool = False,
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


def failure_of(status: int, message: str, metadata: Any, headers: Mapping[str, str]) -> ModelFailed:
    """The failure that an error response of OpenRouter means.

    Source: OpenRouter docs, "Errors and debugging". An error instead of an answer is not
    billed; one inside an answer (status 200) may be.
    """
    details: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    if details.get("error_type") in {"refusal", "content_policy_violation"}:
        return _declined(billed=status == 200)
    if status == 200:
        return broken_answer("The model's provider failed in the middle of the answer.")
    if status == 402 and details.get("limit_source") == "openrouter_in_flight_budget":
        return _busy(headers)
    if status in {402, 403} and ("limit_source" in details or status == 402):
        return ModelFailed(
            "out_of_credit",
            "The site has used up its credit for language models. Reading and voting still work.",
            billed=False,
            unhealthy=False,
        )
    if status == 403:
        return _declined(billed=False)
    if status == 401:
        return ModelFailed(
            "model_key_refused",
            "The site's access to language models is not set up right. Please come back later.",
            billed=False,
            unhealthy=False,
        )
    if status in {408, 429, 500, 502, 503, 504, 524, 529}:
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
