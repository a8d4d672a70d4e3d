"""HEAD wherever GET is."""

import asyncio

import pytest

from tests.processes import RunningAPI

OWN = {"x-request-id", "date", "set-cookie", "ratelimit", "ratelimit-policy"}
"""Headers that differ from one answer to the next."""


@pytest.mark.parametrize(
    "path",
    [
        "/api/factoids",
        "/api/factoids?limit=1",
        "/api/factoids/today",
        "/api/categories",
        "/api/models",
        "/api/factoids/limits",
        "/api/factoids/0199a4f3-0000-7000-8000-000000000000",
        "/health/live",
        "/openapi.json",
        "/docs",
        "/nowhere",
    ],
)
async def test_head_is_answered_as_get_without_the_body(served: RunningAPI, make, path):
    await make.factoids(2)
    async with served.client() as client:
        got = await client.get(path)
        head = await client.head(path)

    assert head.status_code == got.status_code
    assert head.content == b""
    for name, value in got.headers.items():
        if name not in OWN:
            assert head.headers[name] == value, name


async def test_head_knows_what_has_not_changed(api, make):
    await make.factoids(2)
    tag = (await api.get("/api/factoids")).headers["etag"]

    assert (await api.head("/api/factoids", headers={"If-None-Match": tag})).status_code == 304


async def test_head_of_a_stream_without_an_end_ends(served: RunningAPI, database):
    async with served.client() as client, asyncio.timeout(20):
        answer = await client.head("/api/factoids/live")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_head_of_a_page_that_only_takes_changes_tells_which(api):
    answer = await api.head("/api/factoids/feedback")

    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
