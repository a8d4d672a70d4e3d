"""Idempotency keys as Stripe keeps them.

Source: https://docs.stripe.com/api/idempotent_requests
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .errors import Refused

MOST_KEY = 255


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class _Kept:
    asked: str
    answer: Answer | None = None


class Keys:
    """The first answer to each key, whether good or not, once work has begun."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def replay(self, key: str, path: str, params: Any) -> Answer | None:
        """The stored answer, if there is one.

        Raises:
            Refused: The key came with other parameters, or its request is still under way.
        """
        if len(key) > MOST_KEY:
            raise Refused(400, "Idempotency keys have at most 255 characters.")
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.asked != _asked(path, params):
            raise Refused(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{key}' if you meant to execute a"
                " different request.",
                type="idempotency_error",
            )
        if kept.answer is None:
            raise Refused(
                409,
                "There is currently another in-progress request using this Idempotent Key (that"
                f" probably means you submitted twice, and the other request is still going"
                f" through): {key}. Please try again later.",
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        first = kept.answer.headers["request-id"]
        again = {"idempotent-replayed": "true", "original-request": first}
        return Answer(kept.answer.status, kept.answer.body, kept.answer.headers | again)

    @contextmanager
    def at_work(self, key: str, path: str, params: Any) -> Generator[None]:
        """While a request is under way; forgotten when no answer was stored."""
        self._kept[key] = _Kept(_asked(path, params))
        try:
            yield
        finally:
            if self._kept[key].answer is None:
                del self._kept[key]

    def store(self, key: str, answer: Answer) -> None:
        self._kept[key].answer = answer


def _asked(path: str, params: Any) -> str:
    return f"{path} {json.dumps(params, sort_keys=True)}"
