"""Limits on the wire: lets reads in, and says on every limited answer what is left."""

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.auth import provide_reader
from api.problems import answer, refuse_domain
from domain.errors import RateLimited
from domain.limits.read_limiter import ReadLimiter
from domain.limits.states import PolicyState, collect_decisions

READS = frozenset({"GET", "HEAD"})


class RateLimitMiddleware:
    """Adds `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).

    What a handler's services decide, they leave for it; reads it decides about itself, without
    the handlers knowing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
        elif scope["method"] in READS:
            await self._read(scope, receive, send)
        else:
            with collect_decisions() as states:
                await self._app(scope, receive, _telling(send, states))

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        reads: ReadLimiter = scope["litestar_app"].state.services.read_limiter
        reader = provide_reader(scope)
        state = reads.try_cached(reader)
        if state is None:
            with collect_decisions() as states:
                try:
                    state = await reads.take(reader)
                except RateLimited as refusal:
                    problem = refuse_domain(Request(scope), refusal)
                    await answer(problem, scope, receive, _telling(send, states))
                    return
        await self._app(scope, receive, _telling(send, [state]) if state else send)


def _telling(send: Send, states: list[PolicyState]) -> Send:
    async def send_with_limits(message: Message) -> None:
        if message["type"] == "http.response.start" and states and states[-1].windows:
            message["headers"] = [*message["headers"], *rate_limit_headers(states[-1])]
        await send(message)

    return send_with_limits


def rate_limit_headers(state: PolicyState) -> list[tuple[bytes, bytes]]:
    """Both fields, as structured fields. `t` is told where one has to wait for it."""
    left, policy = "", ""
    for one in state.windows:
        name, comma = one.window.name, ", " if left else ""
        wait = "" if one.remaining else f";t={one.reset_s}"
        left += f'{comma}"{name}";r={one.remaining}{wait}'
        policy += f'{comma}"{name}";q={one.window.limit};w={one.window.window_s}'
    return [(b"ratelimit", left.encode()), (b"ratelimit-policy", policy.encode())]
