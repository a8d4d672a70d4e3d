"""The OpenAPI document, and Swagger UI to browse it, with scripts served by this site."""

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from litestar import Controller, Litestar, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import (
    Components,
    Example,
    OpenAPIMediaType,
    Operation,
    Parameter,
    Reference,
    Schema,
    SecurityScheme,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.static_files import create_static_files_router

from api.guards import Connection, access_rule, requires_scope
from api.middleware.conditional_requests import PUBLIC_READ
from api.problems import INTERNAL, MEDIA_TYPE, MESSAGES
from api.schemas.problem import Problem

SCRIPTS = Path(".web/build/client/docs-browser")
"""The build copies them here from the locked front-end packages."""

DESCRIPTION = """Short, surprising, AI-written facts: read, search, vote, and generate new ones.

Every refusal is a problem document (RFC 9457) with a `code`, words for a person and a
`request_id`. Lists are paged by cursors. Times are UTC, money is US dollars as exact decimals.
Visitors are known by a cookie the first changing call sets; keep it to see your own requests.
Scripts bring an API key instead, which a visitor makes at `POST /api/keys`; without one, reading
is free all the same.

[Back to the facts](/)
"""

TAGS = [
    Tag(name="Factoids", description="Read, search and shuffle."),
    Tag(name="Votes", description="🤯 or 😒, and why."),
    Tag(name="Generation", description="Ask for a new factoid and watch it being written."),
    Tag(name="Payments", description="Buy more, and see what was bought."),
    Tag(name="Chats", description="Talk with the agent, and watch it answer."),
    Tag(name="Keys", description="API keys, and signing out everywhere."),
    Tag(name="Service", description="Whether all is well."),
]

API_KEY = SecurityScheme(
    type="http",
    scheme="bearer",
    bearer_format="adf_…",
    description="An API key with the scope each operation names; reading is free without one.",
)

REFUSAL_DESCRIPTIONS = {
    400: "The request cannot be read: no JSON, or a cursor that is not ours or too old.",
    401: "The API key is unknown, expired or revoked.",
    402: "The day's budget is used up; `Retry-After` says when there is more.",
    403: "The API key lacks the scope, or a person has to prove to be one: see `captcha`.",
    404: "There is no such thing.",
    405: "The address does not support the method; `Allow` says which it does.",
    409: "It is in a state that does not allow this.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not application/json.",
    422: "A value cannot be used; `errors` says which.",
    429: "That was too often; `Retry-After` says when it works again.",
    500: "Something broke on our side.",
    503: "Temporarily away; `Retry-After` says when to try again.",
}


def problem_spec(status: int) -> ResponseSpec:
    code, detail = MESSAGES.get(status, INTERNAL)
    sample = Problem(
        title="Refused",
        status=status,
        detail=detail,
        code=code,
        request_id="0c1f6c9c6c3a4f0f9d3b1d3e5a7c2b41",
        retry_after_s=30 if status in {402, 429, 503} else None,
    )
    return ResponseSpec(
        Problem,
        generate_examples=False,
        description=REFUSAL_DESCRIPTIONS[status],
        media_type=MEDIA_TYPE,
        examples=[Example(summary="A refusal", value=sample)],
    )


class OperationPlugin(ReceiveRoutePlugin):
    """Documents the refusals and the API key scope of every operation."""

    def receive_route(self, route: BaseRoute) -> None:
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if handler.include_in_schema:
                self._document(handler, has_path_values=bool(route.path_parameters))

    def _document(self, handler: HTTPRouteHandler, *, has_path_values: bool) -> None:
        statuses = {400, 401, 403, 405, 422, 500, 503}
        if has_path_values:
            statuses.add(404)
        if handler.http_methods & {"POST", "PUT", "PATCH"}:
            statuses |= {409, 413, 415, 429}
        statuses |= set(handler.opt.get("refusals", ()))
        declared = dict(handler.responses or {})
        if PUBLIC_READ in handler.opt:
            declared[304] = ResponseSpec(None, description="You have it already: same `ETag`.")
        scope = access_rule(handler).key_scope
        if scope is not None:
            handler.security = [{}, {"ApiKey": [scope]}]
        handler.responses = {status: problem_spec(status) for status in sorted(statuses)} | declared


def operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    """CastVote for `cast_vote`."""
    return "".join(part.capitalize() for part in handler.handler_name.split("."))


async def browser_page_only(connection: Connection, _: BaseRouteHandler) -> None:
    """Refuse paths below `/docs` as not found; Litestar would respond with an HTML page."""
    if connection.url.path.rstrip("/") != "/docs":
        raise NotFoundException


class DocsBrowser(OpenAPIRenderPlugin):
    """Swagger UI without inline scripts and styles, so that its policy need not allow any."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>'
            f"<title>{escape(openapi_schema['info']['title'])}</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
            '<link rel="icon" href="/docs-browser/favicon-32x32.png"/>'
            '<link rel="stylesheet" href="/docs-browser/swagger-ui.css"/>'
            '<script src="/docs-browser/swagger-ui-bundle.js"></script>'
            '<script src="/docs-browser/start.js" defer></script>'
            '</head><body><div id="browser"></div></body></html>'
        ).encode()


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Andy's Daily Factoids",
        version="1",
        description=DESCRIPTION,
        tags=TAGS,
        components=Components(security_schemes={"ApiKey": API_KEY}),
        use_handler_docstrings=True,
        openapi_router=Router(
            "/docs",
            route_handlers=[],
            include_in_schema=False,
            guards=[requires_scope("read"), browser_page_only],
        ),
        render_plugins=[DocsBrowser(path="/")],
    )


def docs_browser() -> Router:
    """The static files of the docs browser."""
    return create_static_files_router(
        path="/docs-browser",
        directories=[SCRIPTS],
        guards=[requires_scope("read")],
        include_in_schema=False,
        name="docs-browser",
    )


class DocumentController(Controller):
    path = "/openapi.json"
    guards = (requires_scope("read"),)
    include_in_schema = False

    @get(sync_to_thread=False)
    def show(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """The OpenAPI document, encoded once per process."""
        state = request.app.state
        if "document" not in state:
            state.document = msgspec.json.encode(request.app.openapi_schema.to_schema())
        return Response(state.document, media_type="application/json")


def complete(app: Litestar) -> None:
    """Add what Litestar leaves out: summaries, examples, the second media type of a response, and
    what a request body forbids.

    The example of a body is its class's `example()`. Text that has no schema, such as a stream of
    events, has its example in the handler's `opt={"examples": {media_type: text}}`.
    """
    openapi = app.openapi_schema
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            path = (openapi.paths or {}).get(route.path_format)
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    operation: Operation | None = getattr(path, method.lower(), None)
                    if operation:
                        _complete_operation(operation, handler)
                if path and handler.parsed_data_field:
                    _close_body(openapi.components.schemas, handler.parsed_data_field.annotation)


def _complete_operation(operation: Operation, handler: HTTPRouteHandler) -> None:
    first_paragraph = " ".join((operation.description or "").split("\n\n")[0].split())
    operation.summary = first_paragraph.split(". ")[0].rstrip(".")
    for parameter in operation.parameters or []:
        if isinstance(parameter, Parameter) and isinstance(parameter.schema, Schema):
            parameter.schema = _without_null(parameter.schema)
    responses: Any = operation.responses
    for media_type, text in handler.opt.get("examples", {}).items():
        content = responses["200"].content
        content[media_type] = OpenAPIMediaType(
            Schema(type=OpenAPIType.STRING), examples=_examples(text)
        )
    bodies = _bodies(handler)
    for described in (operation.request_body, *responses.values()):
        for media in (getattr(described, "content", None) or {}).values():
            if not media.examples and isinstance(media.schema, Reference):
                body = bodies[media.schema.ref.rpartition("/")[2]]
                media.examples = _examples(msgspec.to_builtins(body.example()))


def _bodies(handler: HTTPRouteHandler) -> dict[str, Any]:
    """The classes of a handler's request and response bodies by the names of their schemas."""
    data, returned = handler.parsed_data_field, handler.parsed_return_field
    types: list[Any] = [data.annotation] if data else []
    types += [returned.annotation, *returned.args]
    types += [spec.data_container for spec in (handler.responses or {}).values()]
    return {body.__name__: body for body in types if hasattr(body, "example")}


def _examples(example: Any) -> dict[str, Example | Reference]:
    return {"example": Example(summary="For example", value=example)}


def _close_body(schemas: dict[str, Schema], body: type[msgspec.Struct]) -> None:
    """Forbid unknown fields, and add a minimum of 0, which Litestar takes for none."""
    schema = schemas[body.__name__]
    schema.additional_properties = False
    fields: Any = msgspec.json.schema(body)["$defs"][body.__name__]["properties"]
    for name, field in fields.items():
        minimums = [kind.get("minimum") for kind in (field, *field.get("anyOf", []))]
        field_schema = (schema.properties or {}).get(name)
        if isinstance(field_schema, Schema) and 0 in minimums:
            field_schema.minimum = 0


def _without_null(schema: Schema) -> Schema:
    """The schema of a parameter without null: one may be left out, but cannot be null."""
    if isinstance(schema.type, list):
        types = [kind for kind in schema.type if kind != OpenAPIType.NULL]
        values = [value for value in schema.enum or [] if value is not None]
        return replace(schema, type=types[0], enum=values or None)
    if schema.one_of:
        kept: Any = next(kind for kind in schema.one_of if getattr(kind, "type", None) != "null")
        if isinstance(kept, Reference):
            return replace(schema, one_of=[kept])
        outer = ("description", "default", "max_length", "pattern", "items", "max_items")
        values = {name: getattr(schema, name) for name in outer}
        return replace(kept, **{name: value for name, value in values.items() if value})
    return schema
