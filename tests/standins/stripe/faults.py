"""What may go wrong with a request, by name.

Source: https://docs.stripe.com/error-low-level and https://docs.stripe.com/testing
"""

from collections import deque
from dataclasses import dataclass

from .errors import Refused
from .payments import DECLINES

REFUSALS: dict[str, Refused] = {
    "401": Refused(401, "Invalid API Key provided: sk_test_********"),
    "403": Refused(403, "The provided key does not have the required permissions."),
    "409": Refused(
        409,
        "There is currently another in-progress request using this Idempotent Key.",
        type="idempotency_error",
        code="idempotency_key_in_use",
    ),
    "429": Refused(429, "Too many requests.", code="rate_limit", should_retry=True),
    "429-lock": Refused(
        429,
        "This object cannot be accessed right now because another API request or Stripe process"
        " is currently accessing it.",
        code="lock_timeout",
        should_retry=True,
    ),
    "429-no-retry": Refused(429, "Too many requests.", code="rate_limit", should_retry=False),
    "500": Refused(500, "Something went wrong on our end.", type="api_error"),
    "503": Refused(503, "Stripe is unavailable.", type="api_error"),
    **{
        f"402-{code}": Refused(402, message, type="card_error", code=code, decline_code=code)
        for code, message in DECLINES.items()
    },
}
"""Answered before anything is done, and stored under no key."""

BEFORE: dict[str, str] = {
    "hang": "nothing is done and no answer comes",
    "cut": "nothing is done and the connection closes",
    "gated": "waits for `open` with the key in use, then goes on as usual",
}
AFTER: dict[str, str] = {
    "hang-after": "it is done, and no answer comes",
    "cut-after": "it is done, and the connection closes",
    "500-after": "it is done, a 500 is answered, stored and replayed, with the advice not to retry",
    "malformed": "it is done, and the answer is half a JSON document",
    "html": "it is done, and the answer is a page of HTML",
}
FAULTS = (*REFUSALS, *BEFORE, *AFTER)


@dataclass(frozen=True)
class _Ordered:
    name: str
    at: str


class Faults:
    """Faults lined up for the requests to come, one each."""

    def __init__(self) -> None:
        self._queue = deque[_Ordered]()

    def queue(self, *names: str, at: str = "") -> None:
        """Line faults up for the next requests, one each.

        Args:
            at: Only for requests that begin so, such as `POST /v1/refunds`.

        Raises:
            ValueError: Nothing has this name.
        """
        for name in names:
            if name not in FAULTS:
                raise ValueError(f"There is no fault {name!r}; there are {', '.join(FAULTS)}.")
        self._queue.extend(_Ordered(name, at) for name in names)

    def next(self, request: str) -> str:
        """The fault of a request such as `GET /v1/refunds`, or none: an empty string."""
        for ordered in self._queue:
            if request.startswith(ordered.at):
                self._queue.remove(ordered)
                return ordered.name
        return ""

    def forget(self) -> None:
        self._queue.clear()
