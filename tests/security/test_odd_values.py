"""Letters that are none and numbers beyond all bounds, for every parameter and every field of the
document. What is added to it is covered by itself.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.factories import Factories
from tests.security.test_foreign_ids import Route, routes_of

IN_ADDRESSES = ["%00", "a%00b", "%ED%A0%80", "a%ED%BF%BF", "%EF%BF%BF", "%F4%8F%BF%BE", "%FF%FE"]
IN_BODIES = [
    *(rb"\u0000", rb"a\u0000b", rb"\ud800", rb"\udc00x", rb"\uffff", rb"\udbff\udfff"),
    *(b"\0", b"\xff", b"\xed\xa0\x80", "\uffff".encode(), b"a\xc3", b"\xc0\x80"),
]
NUMBERS = ["-1", "0", str(2**31), str(2**63), str(2**64), "9" * 400, "1e9", "1.5", "0x1", "1_0"]
NO_NUMBERS = [" 1", "１", "1 ", "+1", "--1", "", "NaN", "Infinity", "true", "null", "²", "१"]
ODD_HEADERS = [b"\xff\xfe", b"\xc0\x80", "\uffff".encode(), b"a" * 9_000, b'"', b"%00", b"-1"]


@dataclass
class Field:
    """One that a body of a route may have, with its own schema."""

    route: Route
    name: str
    schema: dict[str, Any]

    def body(self, value: bytes) -> bytes:
        """The example of the document with this in place of the field's."""
        there = dict(self.route.body)
        there[self.name] = "\x01"
        return json.dumps(there).encode().replace(b'"\\u0001"', value)


@pytest.fixture
async def document(api: httpx.AsyncClient) -> dict[str, Any]:
    return (await api.get("/openapi.json")).json()


@pytest.fixture
async def factoid_id(make: Factories) -> str:
    await make.model()
    return str((await make.factoid()).id)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas that a value may be of, none of them only a name."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(schema.get("type"), list):
        schema = schema | {"type": next(one for one in schema["type"] if one != "null")}
    if "type" in schema:
        yield schema
    for one in [*schema.get("oneOf", []), *schema.get("anyOf", [])]:
        yield from resolved(document, one)


def fields(document: dict[str, Any]) -> Iterator[Field]:
    for route in routes_of(document):
        if route.body is not None:
            operation = document["paths"][route.path][route.method.lower()]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            for whole in resolved(document, schema):
                for name, its in whole["properties"].items():
                    for one in resolved(document, its):
                        yield Field(route, name, one)


def parameters(document: dict[str, Any], place: str) -> Iterator[tuple[Route, str, dict[str, Any]]]:
    for route in routes_of(document):
        operation = document["paths"][route.path][route.method.lower()]
        for parameter in operation.get("parameters", []):
            endless = route.path.endswith("/live")
            if parameter["in"] == place and not endless:
                schema = next(resolved(document, parameter["schema"]))
                yield route, parameter["name"], schema


async def test_letters_that_are_none_in_every_parameter(
    api: httpx.AsyncClient, document: dict[str, Any], factoid_id: str
):
    asked = 0
    for route, name, _ in parameters(document, "query"):
        for letters in IN_ADDRESSES:
            for query in (
                f"{name}={letters}",
                f"{name}=a&{letters}=1",
                f"{name}=1&{name}={letters}",
            ):
                answer = await api.request(route.method, f"{route.path}?{query}")
                assert answer.status_code == 422, (route.name, query, answer.text)
                asked += 1
    assert asked > 200


async def test_letters_that_are_none_in_every_address(
    api: httpx.AsyncClient, document: dict[str, Any]
):
    for route, name, _ in parameters(document, "path"):
        for letters in IN_ADDRESSES:
            path = route.path.replace(f"{{{name}}}", letters)
            answer = await api.request(route.method, path, json=route.body or {})
            assert answer.status_code in {404, 405, 422}, (route.name, letters, answer.text)


async def test_letters_that_are_none_in_every_field(
    api: httpx.AsyncClient, document: dict[str, Any], factoid_id: str
):
    of_text = [one for one in fields(document) if one.schema["type"] in {"string", "array"}]
    assert {one.name for one in of_text} >= {"topic", "model", "comment", "tags", "name", "scopes"}
    for field in of_text:
        path = field.route.at(factoid_id)
        for letters in IN_BODIES:
            said = b'"' + letters + b'"'
            body = field.body(b"[" + said + b"]" if field.schema["type"] == "array" else said)
            answer = await api.request(
                field.route.method,
                path,
                content=body.replace(b"00000000-0000-7000-8000-000000000000", factoid_id.encode()),
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code in {400, 422}, (field.route.name, body, answer.text)
            if letters.isascii() and b"\0" not in letters:
                assert answer.status_code == 422, (field.route.name, body)


async def test_odd_bytes_in_every_header(
    api: httpx.AsyncClient, document: dict[str, Any], factoid_id: str
):
    named = [*parameters(document, "header")]
    assert {name for _, name, _ in named} >= {"Prefer", "Idempotency-Key", "Last-Event-ID"}
    more = [
        *named,
        *(
            (route, name, {})
            for route, _, _ in named
            for name in ("Authorization", "Cookie", "Content-Type", "If-None-Match", "Origin")
        ),
    ]
    for route, name, _ in more:
        path = route.at(factoid_id)
        for value in ODD_HEADERS:
            body = json.dumps(route.body).encode() if route.body else None
            headers = [(b"content-type", b"application/json"), (name.encode(), value)]
            answer = await api.request(route.method, path, headers=headers, content=body)
            fine = answer.status_code < 500 or answer.json()["code"] == "payments_off"
            assert fine, (route.name, name, value, answer.text)


@pytest.mark.parametrize("number", NUMBERS + NO_NUMBERS)
async def test_numbers_beyond_all_bounds_in_every_parameter(
    api: httpx.AsyncClient, document: dict[str, Any], factoid_id: str, number: str
):
    of_numbers = [one for one in parameters(document, "query") if one[2]["type"] == "integer"]
    assert len(of_numbers) >= 2
    for route, name, _ in of_numbers:
        answer = await api.request(route.method, route.path, params={name: number})
        assert answer.status_code == 422, (route.name, name, answer.text)


@pytest.mark.parametrize("number", NUMBERS + [f'"{one}"' for one in NUMBERS + NO_NUMBERS])
async def test_numbers_beyond_all_bounds_in_every_field(
    api: httpx.AsyncClient, document: dict[str, Any], factoid_id: str, number: str
):
    of_numbers = [one for one in fields(document) if one.schema["type"] in {"integer", "number"}]
    assert {one.name for one in of_numbers} >= {"value", "temperature", "expires_in_days"}
    for field in of_numbers:
        path = field.route.at(factoid_id)
        answer = await api.request(
            field.route.method,
            path,
            content=field.body(number.encode()),
            headers={"Content-Type": "application/json"},
        )
        refused = answer.status_code in {400, 422}
        done = answer.is_success or answer.status_code == 404
        taken = done and allowed(field.schema, number)
        assert refused or taken, (field.route.name, number, answer.text)


def allowed(schema: dict[str, Any], number: str) -> bool:
    """Whether the document takes this number, written as JSON, for a value of that schema."""
    try:
        value = json.loads(number)
    except ValueError:
        return False
    if isinstance(value, str) or (schema["type"] == "integer" and value != int(value)):
        return False
    if "enum" in schema:
        return value in schema["enum"]
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)
