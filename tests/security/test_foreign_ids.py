"""Nobody reaches what is another's, and no key does what it is not for: every route of the
document, with every kind of id, for every kind of caller. A new route is covered by itself.
"""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from api.visitor_cookie import VisitorTokens
from tests.configuration import settings
from tests.factories import Factories
from web.client.transport import StreamingASGITransport

PUBLIC = {"factoid_id", "token"}
"""Ids of what is everybody's, and of what is its reader's who has the link."""

REFUSED = {401, 403}


@dataclass
class Route:
    method: str
    path: str
    body: Any
    scope: str | None
    """What a key must be for; None where a key may not come at all."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def at(self, some_id: str) -> str:
        """Its address with this id in every place for one."""
        return re.sub(r"\{\w+\}", some_id, self.path)

    @property
    def ids(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


@dataclass
class Ground:
    """A victim with something of each kind, and all others who may come."""

    routes: list[Route]
    owned: dict[str, str]
    factoid_id: str
    victim: httpx.AsyncClient
    keys: dict[str, httpx.AsyncClient]
    others: dict[str, httpx.AsyncClient]

    def addresses(self, route: Route) -> Iterator[str]:
        """The route with each of the victim's ids in each place for one; nobody's at last."""
        places = [
            [self.factoid_id] if one in PUBLIC else [*self.owned.values(), str(uuid4())]
            for one in route.ids
        ]
        for given in product(*places):
            path = route.path
            for name, value in zip(route.ids, given, strict=True):
                path = path.replace(f"{{{name}}}", value)
            yield path


def routes_of(document: dict[str, Any]) -> list[Route]:
    found: list[Route] = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            body = next((one["value"] for one in media.get("examples", {}).values()), None)
            scopes = [one["ApiKey"][0] for one in operation.get("security", []) if one]
            found.append(Route(method.upper(), path, body, scopes[0] if scopes else None))
    return found


def client_of(app: Litestar, address: str, token: str = "") -> httpx.AsyncClient:
    """One that leaves a stream after its first words, as most of us do."""
    return httpx.AsyncClient(
        transport=StreamingASGITransport(app),  # pyright: ignore[reportArgumentType]
        base_url="http://factoids.test",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        params={},
    )


def id_of(visitor: httpx.AsyncClient) -> UUID:
    """Whom the visitor's cookie names."""
    read = VisitorTokens(settings.secret_key).read(visitor.cookies["visitor"].encode())
    assert read
    return read[0]


async def status_of(client: httpx.AsyncClient, route: Route, path: str) -> int:
    body = {} if route.body is None else {"json": route.body}
    async with client.stream(route.method, path, **body) as answer:
        return answer.status_code


@asynccontextmanager
async def key_client(app: Litestar, scopes: list[str]) -> AsyncGenerator[httpx.AsyncClient]:
    async with client_of(app, "198.51.100.9") as owner:
        made = await owner.post("/api/keys", json={"name": "x", "scopes": scopes})
    async with client_of(app, "198.51.100.9", made.json()["token"]) as client:
        yield client


@pytest.fixture
async def ground(app: Litestar, database: object, make: Factories) -> AsyncGenerator[Ground]:
    factoid = await make.factoid()
    await make.model()
    async with (
        client_of(app, "192.0.2.1") as victim,
        client_of(app, "192.0.2.2") as anonymous,
        client_of(app, "192.0.2.3") as other,
        key_client(app, ["read", "generate", "vote", "chat"]) as able,
        key_client(app, ["read"]) as reading,
        key_client(app, ["generate"]) as generating,
        key_client(app, ["vote"]) as voting,
        key_client(app, ["chat"]) as chatting,
    ):
        document = (await victim.get("/openapi.json")).json()
        asked = await victim.post("/api/factoids/generate", json={"topic": "owls"})
        made = await victim.post("/api/keys", json={"name": "victim's"})
        await other.post("/api/keys", json={"name": "other's"})
        bought = await make.checkout(id_of(victim))
        chat = await victim.post("/api/chats", json={"title": "victim's"})
        chat_path = f"/api/chats/{chat.json()['id']}"
        said = await victim.post(f"{chat_path}/messages", json={"text": "Why?"})
        owned = {
            "request_id": asked.json()["id"],
            "key_id": made.json()["id"],
            "chat_id": chat.json()["id"],
            "message_id": said.json()["answer_id"],
            "checkout_id": str(bought.id),
        }
        keys = {"read": reading, "generate": generating, "vote": voting, "chat": chatting}
        others = {"anonymous": anonymous, "other visitor": other, "key": able}
        yield Ground(routes_of(document), owned, str(factoid.id), victim, keys, others)


async def test_what_is_anothers_is_not_there(ground: Ground):
    wrong: list[Any] = []
    cells = 0
    for route in ground.routes:
        for one in route.ids:
            assert one in PUBLIC or one in ground.owned, (
                f"{route.name}: say in this test whether {one} is anybody's, and make one."
            )
        if not set(route.ids) - PUBLIC:
            continue
        for (who, client), path in product(ground.others.items(), ground.addresses(route)):
            expected = 403 if who == "key" and route.scope is None else 404
            status = await status_of(client, route, path)
            cells += 1
            if status != expected:
                wrong.append((who, route.method, path, status))

    assert wrong == []
    assert cells >= 45
    # Nothing of the victim's has changed, and the ids were theirs indeed.
    asked = await ground.victim.get(f"/api/factoids/generate/{ground.owned['request_id']}")
    (key,) = (await ground.victim.get("/api/keys")).json()["items"]
    chat = (await ground.victim.get(f"/api/chats/{ground.owned['chat_id']}")).json()
    assert (chat["title"], chat["status"], len(chat["messages"])) == ("victim's", "answering", 2)
    assert chat["share_url"] is None
    assert (asked.status_code, asked.json()["status"]) == (200, "queued")
    assert (key["id"], key["revoked_at"]) == (ground.owned["key_id"], None)


async def test_lists_show_their_own_callers_alone(ground: Ground):
    for route in ground.routes:
        if route.method == "GET" and not route.ids and "live" not in route.path:
            for client in ground.others.values():
                shown = (await client.get(route.path)).text
                for theirs in ground.owned.values():
                    assert theirs not in shown, route.name


@pytest.mark.parametrize(
    "spelling", ["http://factoids.test{}", "http://factoids.test{}/", "http://factoids.test/{}"]
)
async def test_a_key_does_what_its_scope_says_and_nothing_else(ground: Ground, spelling: str):
    wrong: list[Any] = []
    for route, (scope, client) in product(ground.routes, ground.keys.items()):
        path = spelling.format(next(iter(ground.addresses(route))))
        status = await status_of(client, route, path)
        if (status in REFUSED) != (scope != route.scope):
            wrong.append((scope, route.name, status))

    assert wrong == []


async def test_no_route_lets_an_unknown_key_in(ground: Ground, app: Litestar):
    async with client_of(app, "192.0.2.4", "adf_" + "0" * 71) as unknown:
        for route in ground.routes:
            path = next(iter(ground.addresses(route)))
            assert await status_of(unknown, route, path) == 401, route.name


async def test_whatever_changes_something_names_its_scope(ground: Ground):
    """Else a key for reading would be let in."""
    for route in ground.routes:
        assert route.scope != "read" or route.method == "GET", route.name
    assert {route.scope for route in ground.routes} >= {"read", "generate", "vote", "chat", None}
