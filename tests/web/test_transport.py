"""Calling an ASGI app in the same process, with a streamed response."""

import asyncio
import contextvars
from typing import Any

import httpx
import pytest

from web.client.transport import StreamingASGITransport

CALLER = contextvars.ContextVar("caller", default="nobody")


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=StreamingASGITransport(app), base_url="http://app.test")


async def start(send: Any, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})


async def piece(send: Any, body: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def test_pieces_arrive_before_the_app_has_finished():
    go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await piece(send, b"first")
        await go_on.wait()
        await piece(send, b"second", more=False)

    async with client(app) as http, http.stream("GET", "/") as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"first"
        go_on.set()
        assert await anext(pieces) == b"second"
        assert [rest async for rest in pieces] == []


async def test_the_app_gets_a_disconnect_when_the_response_is_closed():
    left = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await piece(send, b"hello")
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async with client(app) as http, http.stream("GET", "/") as answer:
        assert await anext(answer.aiter_raw()) == b"hello"
    assert left.is_set()


async def test_an_app_that_writes_after_the_response_was_closed_is_not_blocked():
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        for _ in range(50):
            await piece(send, b"x")
        done.set()

    async with client(app) as http, http.stream("GET", "/"):
        pass
    assert done.is_set()


async def test_a_cancelled_request_cancels_the_app():
    cancelled = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            await receive()
        finally:
            cancelled.set()

    async with client(app) as http:
        request = asyncio.create_task(http.get("/"))
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
    assert cancelled.is_set()


async def test_a_failure_of_the_app_is_a_read_error():
    async def before(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("no")

    async def after(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await piece(send, b"half")
        raise ValueError("no")

    async def never(scope: Any, receive: Any, send: Any) -> None:
        return

    for app in (before, after, never):
        async with client(app) as http:
            with pytest.raises(httpx.ReadError):
                await http.get("/")


async def test_a_complete_response_ends_while_the_app_waits_for_the_disconnect():
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        await piece(send, b"all", more=False)
        while (await receive())["type"] != "http.disconnect":
            pass

    async with client(app) as http:
        assert (await http.get("/")).text == "all"


async def test_silence_longer_than_the_read_timeout_is_an_error():
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await start(send)
        while (await receive())["type"] != "http.disconnect":
            pass

    async with client(app) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/", timeout=httpx.Timeout(1, read=0.01))


async def test_the_app_gets_the_request_and_no_context_of_the_caller():
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope, body=(await receive())["body"], caller=CALLER.get())
        await start(send, 204)
        await piece(send, b"", more=False)

    CALLER.set("somebody")
    async with client(app) as http:
        answer = await http.post(
            "/a%20b?q=1", content=b"{}", extensions={"client": ("192.0.2.9", 0)}
        )

    assert answer.status_code == 204
    assert (seen["method"], seen["path"], seen["query_string"]) == ("POST", "/a b", b"q=1")
    assert (seen["body"], seen["client"], seen["caller"]) == (b"{}", ("192.0.2.9", 0), "nobody")
