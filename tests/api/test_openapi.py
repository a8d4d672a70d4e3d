"""The OpenAPI document is complete, and its browser asks no other host."""

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from litestar import Litestar

from api.schemas.factoids import FeedbackIn, VoteIn
from api.schemas.generation import GenerateIn


@pytest.fixture
async def document(api) -> dict[str, Any]:
    answer = await api.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


async def test_the_document_has_every_route(document, app: Litestar):
    routed = {
        route.path_format
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.resolve_include_in_schema()
    }
    assert set(document["paths"]) == routed
    assert {"/api/factoids", "/health/live", "/health/ready", "/api/models"} <= routed


async def test_every_operation_says_what_it_does(document):
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(document):
        assert re.fullmatch(r"[A-Z][A-Za-z]+", operation["operationId"]), name
        assert len(operation["summary"].split()) >= 2, name
        assert operation["description"].endswith("."), name
        assert operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert "null" not in str(parameter["schema"]), (name, parameter["name"])


async def test_every_body_has_an_example_and_every_refusal_is_a_problem(document):
    for name, operation in operations(document):
        if "requestBody" in operation:
            assert list(operation["requestBody"]["content"]) == ["application/json"]
            assert has_example(operation["requestBody"]), name
        for status, answer in operation["responses"].items():
            assert answer["description"], (name, status)
            if status in {"204", "304"}:
                assert not answer.get("content"), (name, status)
                continue
            assert has_example(answer), (name, status)
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
                reference = answer["content"]["application/problem+json"]["schema"]["$ref"]
                assert reference.endswith("/Problem")


async def test_a_number_has_both_its_ends(document):
    temperature = document["components"]["schemas"]["GenerateIn"]["properties"]["temperature"]

    assert (temperature["minimum"], temperature["maximum"]) == (0, 2)
    value = document["components"]["schemas"]["VoteIn"]["properties"]["value"]
    assert "minimum" not in value


async def test_every_operation_lists_what_can_refuse_it(document):
    for name, operation in operations(document):
        refusals = set(operation["responses"])
        assert {"405", "422", "500", "503"} <= refusals, name
        if "{" in name:
            assert "404" in refusals, name
        if "requestBody" in operation:
            assert {"400", "413", "415", "429"} <= refusals, name


async def test_bodies_that_forbid_unknown_fields_say_so(document):
    schemas = document["components"]["schemas"]
    for body in (VoteIn, FeedbackIn, GenerateIn):
        assert msgspec.structs.fields(body)
        assert schemas[body.__name__]["additionalProperties"] is False


async def test_examples_are_as_their_schemas_say(document):
    checked = 0
    for name, operation in operations(document):
        for answer in [operation.get("requestBody"), *operation["responses"].values()]:
            for media in ((answer or {}).get("content") or {}).values():
                schema = {**media["schema"], "components": document["components"]}
                for example in media["examples"].values():
                    assert jsonschema_rs.is_valid(schema, example["value"]), name
                    checked += 1
    assert checked > len(document["paths"])


def has_example(body: dict[str, Any]) -> bool:
    return all(media.get("examples") for media in body["content"].values())


async def test_the_docs_browser_asks_no_other_host(api):
    answer = await api.get("/docs")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    asked = re.findall(r"""(?:src|href)=["']?([^"'\s>]+)""", answer.text)
    assert len(asked) == 4
    assert all(re.fullmatch(r"/docs-browser/[\w.-]+", address) for address in asked)
    # No outside host in the page at all, but for the examples of values.
    hosts = set(re.findall(r"https?://([\w.-]+)", answer.text))
    assert hosts <= {"factoids.example"}


async def test_the_scripts_of_the_docs_browser_are_ours(tmp_path, monkeypatch, database):
    from tests.fixtures.api import api_client

    (tmp_path / "swagger-ui.css").write_text("body {}")
    monkeypatch.setattr("api.openapi.SCRIPTS", tmp_path)
    from api.app import create_app

    async with api_client(create_app()) as client:
        answer = await client.get("/docs-browser/swagger-ui.css")
        outside = await client.get("/docs-browser/..%2f..%2fetc/passwd")

    assert answer.text == "body {}"
    assert answer.headers["content-type"].startswith("text/css")
    assert outside.status_code == 404


async def test_the_app_starts_before_the_scripts_were_built(tmp_path, monkeypatch, database):
    from api.app import create_app
    from tests.fixtures.api import api_client

    monkeypatch.setattr("api.openapi.SCRIPTS", tmp_path / "not" / "yet")

    async with api_client(create_app()) as client:
        assert (await client.get("/health/live")).json() == {"status": "ok"}
        assert (await client.get("/docs-browser/swagger-ui.css")).status_code == 404
