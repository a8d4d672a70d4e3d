"""Every refusal is a problem document that says nothing about our insides."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import get
from litestar.testing import create_test_client

from api.problems import EXCEPTION_HANDLERS
from tests.processes import running_api

JSON = {"content-type": "application/json"}
UNKNOWN = "/api/factoids/00000000-0000-7000-8000-000000000000"


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["status"] == status
    assert told["detail"]
    assert told["code"]
    assert told["request_id"] == answer.headers["x-request-id"]
    for word in ("Traceback", "asyncpg", "sqlalchemy", "litestar", "<html", ".py"):
        assert word not in answer.text
    return told


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/docs/nowhere", 404),
        ("GET", "/docs/openapi.json", 404),
        ("GET", "/docs-browser/nowhere.js", 404),
        ("GET", "/docs-browser/../../../rxconfig.py", 404),
        ("GET", "/docs-browser/%2e%2e/%2e%2e/rxconfig.py", 404),
        ("GET", UNKNOWN, 404),
        ("GET", "/api/factoids/not-a-uuid", 404),
        ("GET", "/api/factoids/today?date=2999-01-01", 422),
        ("GET", "/api/factoids/today?date=2026-13-01", 422),
        ("GET", "/api/factoids/today?date=0001-01-01", 404),
        ("GET", "/api/factoids?limit=0", 422),
        ("GET", "/api/factoids?limit=101", 422),
        ("GET", "/api/factoids?limit=99999999999999999999999999", 422),
        ("GET", "/api/factoids?limit=%201", 422),
        ("GET", "/api/factoids?limit=%EF%BC%91", 422),
        ("GET", "/api/factoids?sort=best", 422),
        ("GET", "/api/factoids?sort=relevance", 422),
        ("GET", "/api/factoids?category=cats", 422),
        ("GET", "/api/factoids?since=yesterday", 422),
        ("GET", "/api/factoids?since=0.5", 422),
        ("GET", "/api/factoids?since=null", 422),
        ("GET", "/api/factoids?sort=null", 422),
        ("GET", "/api/factoids/today?date=null", 422),
        ("GET", "/api/factoids?since=0001-01-01T00:00:00%2B23:59", 422),
        ("GET", "/api/factoids?since=9999-12-31T23:59:59-23:59", 422),
        ("GET", "/api/factoids?model=%00", 422),
        ("GET", "/api/factoids?q=" + "a" * 201, 422),
        ("GET", "/api/factoids?cursor=abc", 400),
        ("GET", "/api/factoids?cursor=%00%FF", 422),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(api, method, path, status):
    check_problem(await api.request(method, path), status)


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/api/factoids", "DELETE", {"GET", "HEAD", "OPTIONS"}),
        ("/api/factoids", "BREW", {"GET", "HEAD", "OPTIONS"}),
        (f"{UNKNOWN}/vote", "HEAD", {"PUT", "POST", "OPTIONS"}),
        (f"{UNKNOWN}/vote", "GET", {"PUT", "POST", "OPTIONS"}),
        ("/api/factoids/feedback", "GET", {"POST", "OPTIONS"}),
        ("/health/live", "POST", {"GET", "HEAD", "OPTIONS"}),
        ("/docs", "POST", {"GET", "HEAD", "OPTIONS"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(api, path, method, allowed):
    answer = await api.request(method, path)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    if method != "HEAD":
        check_problem(answer, 405)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"{", JSON, 400, id="half a document"),
        pytest.param(b"", JSON, 400, id="nothing"),
        pytest.param(b"\xff\xfe", JSON, 400, id="no UTF-8"),
        pytest.param(b'{"value": "\\ud800"}', JSON, 422, id="a lone surrogate"),
        pytest.param(b"[" * 60_000, JSON, 422, id="nested too deep"),
        pytest.param(b'{"value":' * 7_000, JSON, 422, id="objects nested too deep"),
        pytest.param(b"null", JSON, 422, id="null"),
        pytest.param(b"[]", JSON, 422, id="a list"),
        pytest.param(b"{}", JSON, 422, id="a missing field"),
        pytest.param(b'{"value": 2}', JSON, 422, id="a value that is none of three"),
        pytest.param(b'{"value": 1, "value": 1}', JSON, 422, id="said twice"),
        pytest.param(b'{"value": 1.5}', JSON, 422, id="half a vote"),
        pytest.param(b'{"value": "1"}', JSON, 422, id="a string"),
        pytest.param(b'{"value": true}', JSON, 422, id="a truth"),
        pytest.param(b'{"value": 1e400}', JSON, 422, id="more than a float holds"),
        pytest.param(b'{"value": ' + b"9" * 400 + b"}", JSON, 422, id="a huge number"),
        pytest.param(b'{"value": 1, "factoid_id": 2}', JSON, 422, id="an unknown field"),
        pytest.param(b"value=1", {}, 415, id="no type"),
        pytest.param(b"{}", {"content-type": "text/plain"}, 415, id="plain text"),
        pytest.param(b"{}", {"content-type": "application/jsonp"}, 415, id="not quite JSON"),
        pytest.param(b" " * 65_537, JSON, 413, id="one byte too many"),
    ],
)
async def test_a_body_that_cannot_be_used_is_a_problem(api, make, body, headers, status):
    factoid = await make.factoid()

    for method in ("PUT", "POST"):
        answer = await api.request(
            method, f"/api/factoids/{factoid.id}/vote", content=body, headers=headers
        )
        check_problem(answer, status)


async def test_a_body_of_unknown_length_is_cut_off(api, make):
    factoid = await make.factoid()
    sent = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal sent
        while True:
            sent += 1_024
            yield b" " * 1_024

    answer = await api.put(f"/api/factoids/{factoid.id}/vote", content=endless(), headers=JSON)

    check_problem(answer, 413)
    assert sent <= 66 * 1_024


async def test_fields_are_named(api):
    answer = await api.post("/api/factoids/feedback", json={"factoid_id": "x", "tags": ["odd"]})

    told = check_problem(answer, 422)
    assert {error["pointer"] for error in told["errors"]} <= {"/factoid_id", "/tags/0", ""}
    assert told["errors"]


def test_an_unexpected_error_keeps_its_words_to_itself(capfd):
    @get("/boom", sync_to_thread=False)
    def boom() -> None:
        raise ZeroDivisionError("the secret sauce")

    with create_test_client(boom, exception_handlers=EXCEPTION_HANDLERS) as client:
        answer = client.get("/boom", headers={"accept": "text/html"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "internal"
    assert "sauce" not in answer.text
    assert "ZeroDivisionError" not in answer.text


async def test_a_lost_postgres_is_a_503_that_says_when(make, database):
    """The connections are cut by a proxy between the API and the real Postgres."""
    factoid = await make.factoid()
    target = httpx.URL(database.url)
    streams: list[asyncio.StreamWriter] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(target.host, target.port)
        streams.extend((writer, up_writer))
        await asyncio.gather(pass_on(reader, up_writer), pass_on(up_reader, writer))

    proxy = await asyncio.start_server(connect, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    vote = f"/api/factoids/{factoid.id}/vote"
    address = str(target.copy_with(host="127.0.0.1", port=port))
    async with running_api(DATABASE_URL=address) as away, away.client() as client:
        assert (await client.get("/api/factoids")).status_code == 200
        assert (await client.put(vote, json={"value": 1})).status_code == 200

        proxy.close()
        for stream in streams:
            stream.transport.abort()
        for answer in (
            await client.get("/api/factoids"),
            await client.put(vote, json={"value": 1}),
            await client.get("/health/ready"),
        ):
            told = check_problem(answer, 503)
            assert int(answer.headers["retry-after"]) >= 1
            assert told["retry_after_s"] == int(answer.headers["retry-after"])
        assert (await client.get("/health/live")).status_code == 200

        proxy = await asyncio.start_server(connect, "127.0.0.1", port)
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.put(vote, json={"value": -1})).json()["votes_down"] == 1
        assert (await client.get("/api/factoids")).status_code == 200
        said = away.log
    for stream in streams:
        stream.transport.abort()
    proxy.close()
    assert "unexpected_error" not in said


async def test_a_lost_redis_leaves_reading_and_voting(make):
    factoid = await make.factoid()

    async with running_api(REDIS_URL="redis://127.0.0.1:1/0") as api, api.client() as client:
        assert (await client.get("/api/factoids")).status_code == 200
        vote = await client.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
        assert vote.json()["votes_up"] == 1
        told = check_problem(await client.get("/health/ready"), 503)

    assert told["errors"] == [{"pointer": "redis", "detail": "away"}]


async def test_ready_tells_what_is_behind(api, database):
    assert (await api.get("/health/ready")).json() == {
        "status": "ok",
        "database": "ok",
        "redis": "ok",
        "migrations": "ok",
    }
    async with database.engine.begin() as connection:
        head = (
            await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        ).scalar()
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    try:
        told = check_problem(await api.get("/health/ready"), 503)
    finally:
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{head}'")

    assert told["errors"] == [{"pointer": "migrations", "detail": "behind"}]


async def test_ids_are_minted_here_and_never_taken_over(api):
    given = "mine-" + uuid4().hex

    answers = [await api.get("/api/factoids", headers={"X-Request-Id": given}) for _ in range(2)]

    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert given not in ids


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"topic": 1}, "This must be text, not a whole number."),
        ({"temperature": 3}, "This must be at most 2."),
        ({"prompt": "x"}, "There is no field “prompt”."),
    ],
)
async def test_what_is_wrong_with_a_body_is_told_in_words(api, body, said):
    answer = await api.post("/api/factoids/generate", json=body)

    assert answer.json()["errors"][0]["detail"] == said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("limit=x", "This must be a whole number, not text."),
        ("limit=101", "This must be at most 100."),
        ("category=cats", "This must be one of the values listed for it."),
    ],
)
async def test_what_is_wrong_with_an_address_is_told_in_words(api, asked, said):
    answer = await api.get(f"/api/factoids?{asked}")

    assert answer.json()["errors"][0]["detail"] == said


async def test_a_missing_field_is_named(api):
    answer = await api.put(f"{UNKNOWN}/vote", json={})

    assert answer.json()["errors"][0]["detail"] == "“value” is missing."
