"""The tree of everything the product refuses; each error has a stable code and plain words."""


class DomainError(Exception):
    """Something refused. `detail` is for the person who asked."""

    code = "refused"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        """The input at fault: a JSON pointer into the body or a parameter's name."""


class NotFound(DomainError):
    code = "not_found"


class Invalid(DomainError):
    code = "invalid"


class Malformed(DomainError):
    """The input cannot even be read, as opposed to read and refused."""

    code = "malformed"


class Conflict(DomainError):
    code = "conflict"


class Unauthorized(DomainError):
    """Who asks is not who they say they are."""

    code = "unauthorized"


class Forbidden(DomainError):
    """It is known who asks, and they may not."""

    code = "forbidden"


class RateLimited(DomainError):
    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class TooDear(DomainError):
    """There is no money for it until then."""

    code = "too_dear"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class NotPaid(DomainError):
    """It has to be paid for first."""

    code = "not_paid"


class Unavailable(DomainError):
    """Works again by itself."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 30) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
