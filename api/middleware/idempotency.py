"""`Idempotency-Key`: a repeated request gets the response of the first one.

A handler opts in with `opt={IDEMPOTENT: True}`, and creates its object with the id of the
`Attempt`. Its responses must be short, since they are stored completely.
"""

from hashlib import sha256
from typing import Any

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIHeader, Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from api.auth import provide_caller
from api.strict_request import StrictRequest
from domain.idempotency import (
    Attempt,
    IdempotencyLock,
    IdempotencyService,
    InvalidIdempotencyKey,
    KeyedRequest,
    KeyRef,
    StoredResponse,
    read_key,
)

IDEMPOTENT = "idempotent"
HEADER = b"idempotency-key"

STORED_STATUSES = {200, 201, 202, 204, 400, 404, 415, 422}
"""Statuses of responses that are stored and replayed. Others may change on a retry."""

STORED_HEADERS = {"content-type", "location", "preference-applied", "cache-control", "link"}

DESCRIPTION = """A name for this request, new for each new one: a UUID, quoted or bare, at most 255
characters. Sent again with the same body within 24 hours, the request is answered as the first
time, with `Idempotent-Replayed: true`, and nothing happens twice. While the first is being answered
it is 409; with another body 422. Keys are yours alone, so send the cookie or API key of the first
time along: a visitor without a cookie is a new one each time."""
PATTERN = r'^([!#-\[\]-~]{1,255}|"[ !#-\[\]-~]{1,255}")$'


class IdempotencyPlugin(ReceiveRoutePlugin):
    """Adds the middleware to the handlers that opt in."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.opt.get(IDEMPOTENT):
                    handler.middleware = [IdempotencyMiddleware]


class IdempotencyMiddleware:
    """Replays the stored response to a repeated request, and stores the response to a new one.

    It runs before Litestar's guards, so it calls them itself: a forbidden request must be neither
    stored nor replayed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        service: IdempotencyService = scope["litestar_app"].state.services.idempotency
        request = StrictRequest(scope, receive, send)  # pyright: ignore[reportArgumentType]
        await request.route_handler.authorize_connection(request)
        found = await service.acquire(await _keyed(request, key))
        if isinstance(found, StoredResponse):
            await _replay(found, send)
            return
        scope["attempt"] = found.attempt  # pyright: ignore[reportGeneralTypeIssues]
        messages: list[Message] = []

        async def buffer(message: Message) -> None:
            messages.append(message)

        async with found.renewed():
            await self._app(scope, receive, buffer)
        # The response is stored before it is sent, since the client may repeat the request at once.
        await _finish(found, _stored(messages))
        for message in messages:
            await send(message)


def provide_attempt(request: Request[Any, Any, Any]) -> Attempt:
    """The attempt of this request; without an `Idempotency-Key` a new one."""
    scope: Any = request.scope
    return scope.get("attempt") or Attempt(uuid7(), first=True)


def _key(scope: Scope) -> str | None:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == HEADER]
    if len(values) > 1:
        raise InvalidIdempotencyKey(
            "Send one Idempotency-Key, not several.", field="Idempotency-Key"
        )
    return read_key(values[0]) if values else None


async def _keyed(request: StrictRequest, key: str) -> KeyedRequest:
    caller = provide_caller(request)
    if caller.id is None:
        raise InvalidIdempotencyKey(
            "An Idempotency-Key needs somebody whose it is.", field="Idempotency-Key"
        )
    head = f"{request.url.path}?{request.url.query}\n{request.content_type[0]}\n".encode()
    fingerprint = sha256(head + await request.body()).digest()
    handler: Any = request.route_handler
    return KeyedRequest(KeyRef(caller.id, handler.operation_id, key), fingerprint)


def _stored(messages: list[Message]) -> StoredResponse:
    start: Any = messages[0]
    headers = [(name.decode("latin-1").lower(), value) for name, value in start["headers"]]
    kept = [(name, value.decode("latin-1")) for name, value in headers if name in STORED_HEADERS]
    pieces: list[Any] = messages[1:]
    return StoredResponse(
        start["status"], kept, b"".join(piece.get("body", b"") for piece in pieces)
    )


async def _finish(lock: IdempotencyLock, response: StoredResponse) -> None:
    if response.status in STORED_STATUSES:
        await lock.complete(response)
    elif response.status >= 500:
        # The transaction may be committed despite the error, when only its confirmation was lost.
        await lock.release()
    else:
        await lock.discard()


async def _replay(response: StoredResponse, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    headers += [
        (b"content-length", b"%d" % len(response.body)),
        (b"idempotent-replayed", b"true"),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})


def document(app: Litestar) -> None:
    """Add the request and response headers to the OpenAPI operations that opt in."""
    paths = app.openapi_schema.paths or {}
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path_format in paths:
            for handler in route.route_handlers:
                if handler.opt.get(IDEMPOTENT):
                    _document(_operation(paths[route.path_format], handler))


def _operation(path: Any, handler: HTTPRouteHandler) -> Operation:
    (method,) = handler.http_methods - {"OPTIONS"}
    return getattr(path, method.lower())


def _document(operation: Operation) -> None:
    key = Parameter(
        name="Idempotency-Key",
        param_in="header",
        required=False,
        description=DESCRIPTION,
        schema=Schema(type=OpenAPIType.STRING, pattern=PATTERN),
    )
    operation.parameters = [*(operation.parameters or []), key]
    replayed = OpenAPIHeader(
        description="`true` when this was answered before.",
        schema=Schema(type=OpenAPIType.STRING, enum=["true"]),
    )
    for status, answer in (operation.responses or {}).items():
        headers = getattr(answer, "headers", None)
        if status.startswith("2"):
            answer.headers = {**(headers or {}), "Idempotent-Replayed": replayed}  # pyright: ignore[reportAttributeAccessIssue]
