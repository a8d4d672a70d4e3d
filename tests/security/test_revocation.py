"""What is revoked is dead in every process, open streams and websockets included."""

import asyncio
import base64
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookies import SimpleCookie
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.stack import Site
from tests.processes import RunningAPI, running_api, until

ENDS_S = 30
"""Waited for at most; processes look every two seconds."""


@pytest.fixture(scope="module")
async def processes(empty_database: None) -> AsyncGenerator[tuple[RunningAPI, RunningAPI]]:
    async with running_api() as one, running_api() as other:
        yield one, other


@asynccontextmanager
async def streaming(client: httpx.AsyncClient, path: str) -> AsyncGenerator[asyncio.Task[None]]:
    """A stream that is open, and a task that ends with it."""
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        pieces = answer.aiter_bytes()
        await anext(pieces)

        async def to_its_end() -> None:
            async for _ in pieces:
                pass

        following = asyncio.create_task(to_its_end())
        try:
            yield following
        finally:
            following.cancel()


async def ended(streams: list["asyncio.Task[None]"]) -> None:
    async with asyncio.timeout(ENDS_S):
        for stream in streams:
            await stream


async def test_signing_out_ends_everything_in_every_process(processes, database, make):
    here, there = processes
    factoid = await make.factoid()
    await make.model()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(here.client())
        asked = (await client.post("/api/factoids/generate", json={"topic": "owls"})).json()
        made = (await client.post("/api/keys", json={"name": "phone"})).json()
        old = {"Cookie": f"visitor={client.cookies['visitor']}"}
        bearing = {"Authorization": f"Bearer {made['token']}"}
        far = await stack.enter_async_context(there.client(headers=old))
        key = await stack.enter_async_context(there.client(headers=bearing))
        stranger = await stack.enter_async_context(there.client())
        await far.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
        streams = [
            await stack.enter_async_context(streaming(one, path))
            for one, path in (
                (far, asked["stream_url"]),
                (far, "/api/factoids/live"),
                (key, "/api/factoids/live"),
            )
        ]
        others = await stack.enter_async_context(streaming(stranger, "/api/factoids/live"))

        assert (await client.delete("/api/session")).status_code == 204
        await ended(streams)

        # The streams ended because it is known here: so is all the rest.
        assert (await far.get(f"/api/factoids/generate/{asked['id']}")).status_code == 404
        assert (await far.get(f"/api/factoids/{factoid.id}")).json()["my_vote"] is None
        assert (await key.get("/api/factoids")).status_code == 401
        assert not others.done()
        # The other device is given a name of its own at its next change.
        voted = await far.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
        assert voted.json()["votes_up"] == 2
        assert "visitor" in SimpleCookie(voted.headers["set-cookie"])


async def test_a_key_revoked_here_is_dead_there_with_its_streams(processes, database, make):
    here, there = processes
    await make.model()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(here.client())
        made, kept = [
            (await client.post("/api/keys", json={"name": name})).json() for name in ("a", "b")
        ]
        key, other = [
            await stack.enter_async_context(
                there.client(headers={"Authorization": f"Bearer {one['token']}"})
            )
            for one in (made, kept)
        ]
        asked = (await key.post("/api/factoids/generate", json={})).json()
        streams = [
            await stack.enter_async_context(streaming(key, path))
            for path in (asked["stream_url"], "/api/factoids/live")
        ]
        others = await stack.enter_async_context(streaming(other, "/api/factoids/live"))

        assert (await client.delete(f"/api/keys/{made['id']}")).status_code == 204
        await ended(streams)

        refused = await key.get("/api/factoids")
        assert (refused.status_code, refused.json()["code"]) == (401, "key_revoked")
        assert (await other.get("/api/factoids")).status_code == 200
        assert not others.done()


async def test_a_rotated_key_is_known_there(processes, database):
    here, there = processes
    async with here.client() as client, there.client() as far:
        made = (await client.post("/api/keys", json={"name": "a"})).json()

        async def answers(token: str) -> int:
            bearing = {"Authorization": f"Bearer {token}"}
            return (await far.get("/api/factoids", headers=bearing)).status_code

        assert await answers(made["token"]) == 200
        new = (await client.post(f"/api/keys/{made['id']}/rotate")).json()["token"]

        async def known() -> bool:
            return await answers(new) == 200

        await until(known, "the new secret to be known", within_s=ENDS_S)
        assert await answers(made["token"]) == 200


class Socket:
    """A websocket of the pages, read as bytes."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._stream: Any = answer.extensions["network_stream"]

    async def closed(self) -> int:
        """The code the server closes it with; pings and messages before are passed over."""
        read = b""
        while True:
            piece = await self._stream.read(65_536, timeout=ENDS_S)
            read += piece
            at = read.find(b"\x88")
            if at >= 0 and len(read) >= at + 4:
                return int.from_bytes(read[at + 2 : at + 4])
            if not piece:
                return 0


@asynccontextmanager
async def socket(site: Site, cookie: str) -> AsyncGenerator[Socket]:
    asked = [
        *(("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        *(("Origin", site.origin), ("Cookie", cookie)),
    ]
    address = f"{site.origin}/_event/?EIO=4&transport=websocket&token={uuid4()}"
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", address, headers=asked) as answer,
    ):
        assert answer.status_code == 101
        yield Socket(answer)


async def test_signing_out_elsewhere_closes_the_pages_websocket(site: Site, processes, database):
    here, _ = processes
    async with here.client() as client, here.client() as other:
        await client.post("/api/keys", json={"name": "x"})
        await other.post("/api/keys", json={"name": "x"})
        cookie, others = (f"visitor={one.cookies['visitor']}" for one in (client, other))
        async with socket(site, cookie) as mine, socket(site, others) as theirs:
            closing = asyncio.create_task(theirs.closed())

            await client.delete("/api/session")

            # By the pages themselves, or by us when they do not.
            assert await mine.closed() in (1000, 4401)
            assert not closing.done()
            closing.cancel()

        async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as browser:
            page = await browser.get("/", headers={"Cookie": cookie})
            fresh = SimpleCookie(page.headers["set-cookie"])["visitor"].value
            assert fresh.split(".")[2] not in cookie
            seen = await client.get("/api/keys", headers={"Cookie": f"visitor={fresh}"})
            assert seen.json()["items"] == []
