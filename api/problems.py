"""Maps every error to an HTTP response with problem details (RFC 9457)."""

import re
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from asyncpg import PostgresConnectionError
from asyncpg.exceptions import InterfaceError, InternalClientError, TooManyConnectionsError
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Receive, Scope, Send
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import InterfaceError as AlchemyInterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.http_semantics import allow_header
from api.mappers.limits import captcha_out
from api.schemas.problem import CaptchaOut, FieldProblem, Problem
from domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    NotPaid,
    OverBudget,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from domain.infra.logging import current_request_id
from domain.limits.step_up import CaptchaRequired
from settings.validation_messages import humanize

MEDIA_TYPE = "application/problem+json"

STATUS: dict[type[DomainError], int] = {
    NotFound: 404,
    Malformed: 400,
    Invalid: 422,
    Conflict: 409,
    Unauthorized: 401,
    Forbidden: 403,
    RateLimited: 429,
    OverBudget: 402,
    NotPaid: 402,
    Unavailable: 503,
}

MESSAGES: dict[int, tuple[str, str]] = {
    400: ("bad_request", "This request could not be read. The body must be valid JSON."),
    401: ("unauthorized", "You need to say who you are for this."),
    402: (
        "budget_used_up",
        "The budget for new factoids is used up for today. Reading, voting and searching go on"
        " as ever. There is more at midnight UTC.",
    ),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not support that method."),
    413: ("too_large", "The request is too large: at most 64 KiB."),
    415: ("unsupported_media_type", "Send the body as application/json."),
    422: ("invalid", "Some of what you sent cannot be used."),
    429: ("rate_limited", "That was too often. Wait a little."),
}
INTERNAL = ("internal", "Something broke on our side. It has been noted; please try again.")
UNAVAILABLE = "The site is catching its breath. Please try again in a moment."

CONFLICT = "Somebody else changed this at the same moment. Please try again."

RETRYABLE = {"40001", "40P01", "55P03", "57014"}
"""SQLSTATEs of transactions that may succeed when retried: serialization failure, deadlock, lock
not available, query canceled."""

UNAVAILABLE_CLASSES = {"08", "53", "57"}
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention."""

CONNECTION_LOST = (
    OperationalError,
    AlchemyInterfaceError,
    PostgresConnectionError,
    InterfaceError,
    TooManyConnectionsError,
    ConnectionError,
    TimeoutError,
    PoolTimeout,
    RedisConnectionError,
    RedisTimeoutError,
)

FIELD = re.compile(r"Object (?:contains (unknown)|missing required) field `(.*)`")

log = structlog.get_logger()


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    retry_after_s: int | None = None,
    captcha: CaptchaOut | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    """A problem details response, for handlers and middleware alike."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=current_request_id(),
        errors=errors or [],
        retry_after_s=retry_after_s,
        captcha=captcha,
    )
    extra = {"Retry-After": str(retry_after_s)} if retry_after_s is not None else {}
    if status == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="factoids", error="invalid_token"'
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **extra, **(headers or {})},
    )


async def send_response(
    response: Response[Any], scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a response from a middleware."""
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    await response.to_asgi_response(None, request)(scope, receive, send)


async def send_refusal(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a request or a websocket from a middleware. A websocket closes with 4000 + status."""
    unused: Any = None
    if isinstance(error, DomainError):
        response = refuse_domain(unused, error)
    else:
        response = refuse_unexpected(unused, error)
    if scope["type"] == ScopeType.WEBSOCKET:
        await receive()
        code = 4_000 + (response.status_code or 0)
        await send({"type": "websocket.close", "code": code, "reason": None})
    else:
        await send_response(response, scope, receive, send)


def refuse_domain(_: Request[Any, Any, Any], error: DomainError) -> Response[Any]:
    """The response to an error that a service raises; its class determines the status."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    errors = [FieldProblem(error.field, error.detail)] if error.field else []
    retry_after_s = getattr(error, "retry_after_s", None)
    challenge = error.captcha if isinstance(error, CaptchaRequired) else None
    return problem(
        status,
        error.code,
        error.detail,
        errors=errors,
        retry_after_s=retry_after_s,
        captcha=captcha_out(challenge),
    )


def refuse_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The response to Litestar's errors: unknown path or method, invalid parameter, large body."""
    status = error.status_code
    if isinstance(error, ValidationException):
        errors = _fields(error)
        # An error of `data` means that the body is missing.
        if not any(field.pointer == "data" for field in errors):
            return problem(422, *MESSAGES[422], errors=errors)
        status = 400
    if status >= 500:
        return problem(status, *INTERNAL)
    code, detail = MESSAGES.get(status, ("refused", HTTPStatus(status).phrase))
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    allow = headers.get("allow")
    return problem(
        status,
        code,
        detail,
        headers={"Allow": allow_header(allow.split(", "))} if allow else None,
    )


def refuse_unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The response to any other error, whose message is only logged."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    # asyncpg raises InternalClientError when Postgres has ended the session but the connection is
    # still open.
    session_closed = isinstance(cause.__cause__ if cause else None, InternalClientError)
    if session_closed or isinstance(error, CONNECTION_LOST) or isinstance(cause, CONNECTION_LOST):
        log.warning("dependency_unavailable", error=type(error).__name__)
        return problem(503, "unavailable", UNAVAILABLE, retry_after_s=5)
    sqlstate = getattr(cause, "sqlstate", None) or ""
    if sqlstate in RETRYABLE or sqlstate[:2] in UNAVAILABLE_CLASSES:
        log.warning("database_refused", sqlstate=sqlstate)
        return problem(503, "unavailable", UNAVAILABLE, retry_after_s=1)
    if isinstance(error, IntegrityError):
        # A concurrent request has inserted or deleted the row that it conflicts with.
        log.warning("conflict", sqlstate=sqlstate)
        return problem(409, "conflict", CONFLICT)
    log.error("unexpected_error", exc_info=error)
    return problem(500, *INTERNAL)


def refuse_body(_: Request[Any, Any, Any], error: msgspec.DecodeError) -> Response[Any]:
    """The response to a body that is not JSON, or does not match its schema."""
    if not isinstance(error, msgspec.ValidationError):
        return problem(400, *MESSAGES[400])
    reason, _separator, path = str(error).partition(" - at `$")
    # msgspec writes `.tags[...]` for an item of a list, without its index.
    pointer = path.rstrip("`").replace("[...]", "").replace(".", "/")
    return problem(422, *MESSAGES[422], errors=[FieldProblem(pointer, field_message(reason))])


def field_message(reason: str) -> str:
    """A validation error's reason as a sentence for the caller."""
    field = FIELD.match(reason)
    if field:
        return f"There is no field “{field[2]}”." if field[1] else f"“{field[2]}” is missing."
    return f"This {humanize(reason)}"


def _fields(error: ValidationException) -> list[FieldProblem]:
    extra: Any = error.extra
    if not isinstance(extra, list):
        return []
    return [
        FieldProblem(str(item.get("key", "")), field_message(str(item.get("message", ""))))
        for item in extra
        if isinstance(item, dict)
    ]


EXCEPTION_HANDLERS: dict[Any, Any] = {
    DomainError: refuse_domain,
    HTTPException: refuse_http,
    msgspec.DecodeError: refuse_body,
    # JSON nested more deeply than Python's recursion limit.
    RecursionError: lambda *_: problem(400, *MESSAGES[400]),
    Exception: refuse_unexpected,
}
