"""Nobody chooses the address they are limited by."""

import random
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from litestar.testing import RequestFactory

from api.auth import client_address, identity_of
from api.middleware.stack import page_layers, wrap
from domain.accounts.credential_cache import CredentialCache
from domain.caller import network_of
from settings.process import load_process
from tests.processes import running_api
from web.client import api as client
from web.client.api import ApiClient

LIES = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP")
ASKED = 1_000


def lies(chance: random.Random) -> dict[str, str]:
    addresses = [
        f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}.7",
        f"2001:db8:{chance.randrange(65_536):x}::1",
        "unknown",
        "127.0.0.1",
    ]
    told = {name: chance.choice(addresses) for name in LIES if chance.random() < 0.7}
    if "Forwarded" in told:
        told["Forwarded"] = f"for={told['Forwarded']};proto=https"
    return told | {"User-Agent": uuid4().hex}


@pytest.mark.parametrize("hops", [0, 1])
def test_a_thousand_lies_are_one_network(hops: int):
    """With a proxy of ours, what it adds itself is believed and nothing before it."""
    chance, scope = random.Random(7), RequestFactory().get("/").scope
    networks: set[str] = set()
    for _ in range(ASKED):
        headers = lies(chance)
        if hops:
            said = headers.get("X-Forwarded-For")
            headers["X-Forwarded-For"] = f"{said}, 203.0.113.9" if said else "203.0.113.9"
        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        sender: Any = {**scope, "headers": sent, "client": ("198.51.100.9", 1)}
        networks.add(network_of(client_address(sender, hops)))

    assert networks == {"203.0.113.0/24" if hops else "198.51.100.0/24"}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_caller_is_made_of_that_address(method: str):
    networks: list[str | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        networks.append(identity_of(scope).caller.network)

    settings = load_process()
    layers = page_layers(settings, CredentialCache(*settings.server_secrets))
    scope: Any = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9"}).scope
    sender = {**scope, "method": method, "client": ("2001:db8:1:2::3", 1)}
    wrapped: Any = wrap(app, layers)
    await wrapped(sender, None, None)

    assert networks == ["2001:db8:1::/48"]


async def test_a_new_cookie_browser_and_header_each_time_is_no_new_allowance(database, make):
    await make.model()
    chance = random.Random(8)
    async with running_api(GENERATE_LIMITS="3/3600") as api:
        statuses: list[int] = []
        for _ in range(40):
            async with api.client(headers=lies(chance)) as client:
                answer = await client.post("/api/factoids/generate", json={})
                statuses.append(answer.status_code)

    assert statuses.count(202) == 3
    # The rest is refused, or asked for more than a captcha that is not set up here.
    assert set(statuses) - {202} <= {403, 429, 503}


async def test_a_page_calls_as_its_visitor_from_its_visitors_address(app: Litestar, database):
    """The way inside the process carries the browser's address where no header can reach it."""
    seen: list[tuple[str, object]] = []

    async def watched(scope, receive, send) -> None:
        seen.append((client_address(scope, 0), client_address(scope, 1)))
        await app(scope, receive, send)

    client.use_app(watched)
    await ApiClient("visitor=x; x-forwarded-for: 6.6.6.6", "198.51.100.7").categories()
    client.use_app(None)

    assert seen == [("198.51.100.7", "198.51.100.7")]
