"""The rate limit of reads, and the `RateLimit` response headers of all limits."""

from typing import Any

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.auth import identity_of
from api.problems import send_refusal
from domain.caller import Caller
from domain.errors import RateLimited
from domain.limits.read_limiter import ReadLimiter
from domain.limits.states import PolicyState, collect_decisions


class RateLimitMiddleware:
    """Adds `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).

    The limit of reads is checked here, before the handler. Other limits are checked by services,
    whose decisions are collected during the request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        if not http["path"].startswith("/api/"):
            await self._app(scope, receive, send)
        elif http["method"] in {"GET", "HEAD"}:
            await self._read(http, receive, send)
        else:
            with collect_decisions() as states:
                await self._app(scope, receive, _with_limits(send, states))

    async def _read(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        reads: ReadLimiter = scope["litestar_app"].state.services.read_limiter
        reader = _reader(identity_of(scope).caller)
        state = reads.try_cached(reader)
        if state is None:
            with collect_decisions() as states:
                try:
                    state = await reads.acquire(reader)
                except RateLimited as refusal:
                    await send_refusal(refusal, scope, receive, _with_limits(send, states))
                    return
        await self._app(scope, receive, _with_limits(send, [state]) if state else send)


def _reader(caller: Caller) -> Caller:
    """The caller that reads count for: an API key, or the network of a visitor."""
    if caller.kind == "key" or caller.id is None:
        return caller
    return Caller("visitor", None, caller.network)


def _with_limits(send: Send, states: list[PolicyState]) -> Send:
    async def send_with_limits(message: Message) -> None:
        if message["type"] == "http.response.start" and states and states[-1].windows:
            message["headers"] = [*message["headers"], *rate_limit_headers(states[-1])]
        await send(message)

    return send_with_limits


def rate_limit_headers(state: PolicyState) -> list[tuple[bytes, bytes]]:
    """Both headers, as structured fields. `t` is included if nothing is left of the window."""
    left, policy = "", ""
    for window_state in state.windows:
        window, comma = window_state.window, ", " if left else ""
        wait = "" if window_state.remaining else f";t={window_state.reset_s}"
        left += f'{comma}"{window.name}";r={window_state.remaining}{wait}'
        policy += f'{comma}"{window.name}";q={window.limit};w={window.window_s}'
    return [(b"ratelimit", left.encode()), (b"ratelimit-policy", policy.encode())]
