"""The base classes of errors that callers see. Each has a stable code and a readable detail."""


class DomainError(Exception):
    """An operation was refused. `detail` is shown to the user."""

    code = "refused"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        """The invalid input: a JSON pointer into the body, or the name of a parameter."""


class NotFound(DomainError):
    code = "not_found"


class Invalid(DomainError):
    code = "invalid"


class Malformed(DomainError):
    """The input cannot be parsed, as opposed to `Invalid`."""

    code = "malformed"


class Conflict(DomainError):
    code = "conflict"


class Unauthorized(DomainError):
    """The caller could not be authenticated."""

    code = "unauthorized"


class Forbidden(DomainError):
    """The caller is authenticated, but may not do this."""

    code = "forbidden"


class RateLimited(DomainError):
    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class OverBudget(DomainError):
    """The budget does not cover it until it is reset."""

    code = "over_budget"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class NotPaid(DomainError):
    """Payment is required first."""

    code = "not_paid"


class Unavailable(DomainError):
    """Temporarily unavailable; recovers without intervention."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 30) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
