"""What Stripe says when it refuses.

Source: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes
"""

from typing import Any


class Refused(Exception):
    """A request answered with an error object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        said = {"code": code, "decline_code": decline_code, "param": param}
        self._error: dict[str, Any] = {name: value for name, value in said.items() if value}
        self._error |= {"message": message, "type": type}
        self.headers = (
            {} if should_retry is None else {"stripe-should-retry": str(should_retry).lower()}
        )

    def body(self) -> dict[str, Any]:
        error = self._error
        if "code" in error:
            error = {"doc_url": f"https://stripe.com/docs/error-codes/{error['code']}"} | error
        return {"error": error}


def missing(kind: str, id: str, param: str = "id", *, status: int = 404) -> Refused:
    return Refused(status, f"No such {kind}: '{id}'", code="resource_missing", param=param)
