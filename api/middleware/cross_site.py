"""Nothing changes because of a form or a script on somebody else's site."""

from litestar.types import ASGIApp, Receive, Scope, Send

from api.origins import is_same_origin_request
from api.problems import answer, problem

READS = {"GET", "HEAD", "OPTIONS"}


class CrossSiteMiddleware:
    """Refuses, before a byte of the body is read, what another site had a browser send."""

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] in READS
            or is_same_origin_request(scope, https_only=self._https_only)
        ):
            await self._app(scope, receive, send)
            return
        refusal = problem(403, "cross_site", "Another site sent this. Please do it on ours.")
        await answer(refusal, scope, receive, send)
