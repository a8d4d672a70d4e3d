"""Protection against cross-site request forgery."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.http_semantics import SAFE_METHODS
from api.origins import is_same_origin_request, is_same_origin_websocket
from api.problems import send_refusal
from domain.errors import Forbidden


class CrossSite(Forbidden):
    code = "cross_site"


class CrossSiteMiddleware:
    """Refuses unsafe requests and websockets that come from a page of another site, before their
    body is read.
    """

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            allowed = is_same_origin_websocket(scope, https_only=self._https_only)
        else:
            allowed = scope["method"] in SAFE_METHODS or is_same_origin_request(
                scope, https_only=self._https_only
            )
        if allowed:
            await self._app(scope, receive, send)
        else:
            refusal = CrossSite("Another site sent this. Please do it on ours.")
            await send_refusal(refusal, scope, receive, send)
