"""The OpenAPI document and its browser, whose scripts we serve ourselves."""

from pathlib import Path

from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Example, Tag
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.static_files import create_static_files_router

from api.problems import MEDIA_TYPE
from api.schemas.problem import Problem

SCRIPTS = Path(".web/build/client/docs-browser")
"""Put there by the build, from the locked front-end packages."""

DESCRIPTION = """Short, surprising, AI-written facts: read, search, vote, and generate new ones.

Every refusal is a problem document (RFC 9457) with a `code`, words for a person and a
`request_id`. Lists are paged by cursors. Times are UTC, money is US dollars as exact decimals.
Visitors are known by a cookie the first changing call sets; keep it to see your own requests.
"""

TAGS = [
    Tag(name="Factoids", description="Read, search and shuffle."),
    Tag(name="Votes", description="🤯 or 😒, and why."),
    Tag(name="Generation", description="Ask for a new factoid and watch it being written."),
    Tag(name="Service", description="Whether all is well."),
]

WORDS = {
    400: "The request cannot be read: no JSON, or a cursor that is not ours.",
    404: "There is no such thing.",
    405: "The address does not support the method.",
    409: "It is in a state that does not allow this.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not application/json.",
    422: "A value cannot be used; `errors` says which.",
    429: "That was too often; `Retry-After` says when it works again.",
    500: "Something broke on our side.",
    503: "Temporarily away; `Retry-After` says when to try again.",
}


def problem_spec(status: int) -> ResponseSpec:
    sample = Problem(
        title="Refused", status=status, detail=WORDS[status], code="example", request_id="4be1…"
    )
    return ResponseSpec(
        Problem,
        generate_examples=False,
        description=WORDS[status],
        media_type=MEDIA_TYPE,
        examples=[Example(summary="A refusal", value=sample)],
    )


class DocumentsRefusals(ReceiveRoutePlugin):
    """Adds to every operation the refusals it can answer with."""

    def receive_route(self, route: BaseRoute) -> None:
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if handler.include_in_schema:
                self._document(handler, has_path_values=bool(route.path_parameters))

    def _document(self, handler: HTTPRouteHandler, *, has_path_values: bool) -> None:
        statuses = {405, 422, 500, 503}
        if has_path_values:
            statuses.add(404)
        if handler.http_methods & {"POST", "PUT", "PATCH"}:
            statuses |= {400, 413, 415, 429}
        statuses |= set(handler.opt.get("refusals", ()))
        known = dict(handler.responses or {})
        handler.responses = {status: problem_spec(status) for status in statuses} | known


def operation_id(handler: HTTPRouteHandler, *_: object) -> str:
    """CastVote for `cast_vote`."""
    return "".join(part.capitalize() for part in handler.handler_name.split("."))


def openapi_config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Andy's Daily Factoids",
        version="1",
        description=DESCRIPTION,
        tags=TAGS,
        use_handler_docstrings=True,
        path="/docs",
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                js_url="/docs-browser/swagger-ui-bundle.js",
                css_url="/docs-browser/swagger-ui.css",
                standalone_preset_js_url="/docs-browser/swagger-ui-standalone-preset.js",
                favicon='<link rel="icon" href="/docs-browser/favicon-32x32.png">',
            ),
            JsonRenderPlugin(path="/openapi.json"),
        ],
    )


def docs_browser():
    """The scripts of the docs browser."""
    return create_static_files_router(
        path="/docs-browser", directories=[SCRIPTS], include_in_schema=False, name="docs-browser"
    )
