"""No handler without an access rule."""

from typing import Any

import pytest
from litestar import Controller, Litestar, WebSocket, get, post, websocket
from litestar.exceptions import ImproperlyConfiguredException

from api.app import create_app
from api.guards import AccessRulesPlugin, access_rule, requires_scope, visitors_only


class Unguarded(Controller):
    @post("/change")
    async def change(self) -> None: ...


class Guarded(Controller):
    guards = (requires_scope("vote"),)

    @post("/change")
    async def change(self) -> None: ...

    @get("/twice", guards=[visitors_only])
    async def twice(self) -> None: ...


@get("/read")
async def read() -> None: ...


@websocket("/socket")
async def socket(socket: WebSocket[Any, Any, Any]) -> None: ...


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(Unguarded, id="one that changes something"),
        pytest.param(read, id="one that reads"),
        pytest.param(socket, id="a websocket"),
        pytest.param(Guarded, id="one with two rules"),
    ],
)
def test_an_app_with_a_handler_without_its_one_rule_is_not_created(handler: Any):
    with pytest.raises(ImproperlyConfiguredException, match="needs one guard"):
        Litestar([handler], plugins=[AccessRulesPlugin()])


def test_every_handler_of_the_product_has_its_rule():
    handlers = [
        handler for route in create_app().routes for handler in getattr(route, "route_handlers", [])
    ]

    assert len(handlers) > 60
    for handler in handlers:
        rule = access_rule(handler)
        changes = handler.http_methods - {"GET", "HEAD", "OPTIONS"}
        assert not (changes and rule.key_scope == "read"), handler
