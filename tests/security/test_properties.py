"""Nobody writes a field that is not offered, and nobody reads one that is not."""

from typing import Any

import httpx
import pytest

from db.models import Base
from tests.factories import Factories
from tests.security.test_foreign_ids import Route, routes_of

COLUMNS = {column.name for table in Base.metadata.tables.values() for column in table.columns}
SOME = {"headers", "status", "value", "scopes"}
"""Among them are surely these."""


@pytest.fixture
async def document(api: httpx.AsyncClient) -> dict[str, Any]:
    return (await api.get("/openapi.json")).json()


def offered(document: dict[str, Any]) -> set[str]:
    """Every field of any body on the wire."""
    schemas = document["components"]["schemas"].values()
    return {name for schema in schemas for name in schema.get("properties", {})}


def names_in(answer: Any) -> set[str]:
    """Every field an answer has, however deep."""
    if isinstance(answer, dict):
        inner = (names_in(value) for value in answer.values())
        return set(answer).union(*inner)
    if isinstance(answer, list):
        return set().union(*(names_in(one) for one in answer))
    return set()


async def test_a_column_that_is_not_offered_cannot_be_written(
    api: httpx.AsyncClient, document: dict[str, Any], make: Factories
):
    factoid = await make.factoid()
    await make.model()
    assert COLUMNS > SOME
    wrong: list[Any] = []
    bodies = [route for route in routes_of(document) if route.body is not None]
    assert {route.path for route in bodies} >= {"/api/keys", "/api/factoids/generate"}
    for route in bodies:
        path = route.at(str(factoid.id))
        schema = document["components"]["schemas"]
        own = _body_of(document, route)
        for column in sorted(COLUMNS - set(schema[own]["properties"])):
            answer = await api.request(route.method, path, json=route.body | {column: "1"})
            if answer.status_code != 422:
                wrong.append((route.name, column, answer.status_code))

    assert wrong == []


async def test_an_answer_has_the_fields_it_promises_and_no_others(
    api: httpx.AsyncClient, document: dict[str, Any], make: Factories
):
    factoid = await make.factoid()
    await make.model()
    asked = await api.post("/api/factoids/generate", json={"topic": "owls"})
    made = await api.post("/api/keys", json={"name": "x"})
    voted = await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
    said = {"factoid_id": str(factoid.id), "comment": "Lovely"}
    answers = [asked, made, voted, await api.post("/api/factoids/feedback", json=said)]
    chat = await api.post("/api/chats", json={"factoid_id": str(factoid.id)})
    path = f"/api/chats/{chat.json()['id']}"
    answers += [chat, await api.post(f"{path}/messages", json={"text": "Why?"})]
    answers += [await api.delete(f"{path}/turns/current"), await api.post(f"{path}/share")]
    ids = {"factoid_id": str(factoid.id), "request_id": asked.json()["id"]}
    ids |= {"chat_id": chat.json()["id"], "token": answers[-1].json()["token"]}
    for route in routes_of(document):
        endless = route.path.endswith(("/live", "/stream"))
        if route.method == "GET" and set(route.ids) <= set(ids) and not endless:
            answers.append(await api.get(route.path.format_map(ids)))

    internal = COLUMNS - offered(document)
    assert {"key_hash", "owner_id", "network", "caller_id", "lease_holder"} <= internal
    for answer in answers:
        assert not names_in(answer.json()) & internal, answer.url
    assert sum(answer.is_success for answer in answers) >= 10


def _body_of(document: dict[str, Any], route: Route) -> str:
    operation = document["paths"][route.path][route.method.lower()]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return reference.rpartition("/")[2]
