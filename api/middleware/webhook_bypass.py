"""What machines call that are no visitors: they prove themselves by a signature in the handler."""

from litestar.types import ASGIApp, Receive, Scope, Send

WEBHOOK = "/api/payments/webhook"


class WebhookBypass:
    """Takes their calls past the layers that are made for visitors and keys: whose page sent it,
    cookies, limits. None of that can be said of a machine, and none of its bytes may be changed.
    """

    def __init__(self, *, machines: ASGIApp, others: ASGIApp) -> None:
        self._machines = machines
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        called = scope["type"] == "http" and scope["path"] == WEBHOOK
        await (self._machines if called else self._others)(scope, receive, send)
