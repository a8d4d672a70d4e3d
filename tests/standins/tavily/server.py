"""`POST /search`.

Source: Tavily API reference, "Tavily Search".
"""

import asyncio
import gzip
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.standins.openrouter.wire import Connection, Request

HOST = "127.0.0.1"


class TavilyStandIn:
    """Finds as many pages as it is asked for, or what a test has put there."""

    def __init__(self) -> None:
        self.base_url = ""
        self.asked: list[dict[str, Any]] = []
        """The body of each search, in order."""
        self.pages: list[dict[str, Any]] | None = None
        """What every search finds; None for pages made up of its words."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        try:
            while request := await connection.read_request():
                await self._answer(connection, request)
        except ConnectionError:
            pass
        finally:
            connection.close()

    async def _answer(self, connection: Connection, request: Request) -> None:
        if not request.headers.get("authorization", "").startswith("Bearer tvly-"):
            detail = {"error": "Unauthorized: missing or invalid API key."}
            await connection.answer_json(401, {"detail": detail})
            return
        asked = json.loads(request.body)
        self.asked.append(asked)
        match asked["query"].partition(":")[0]:
            case "hang":
                await connection.closed_by_client()
            case "error-500":
                await connection.answer(500, {"content-type": "text/html"}, b"<h1>Oh no</h1>")
            case "redirect":
                await connection.answer(302, {"location": f"{self.base_url}/elsewhere"}, b"")
            case "garbage":
                await connection.answer(200, {"content-type": "application/json"}, b"{" * 10_000)
            case "huge":
                await connection.answer(200, {"content-type": "application/json"}, b" " * 2_000_000)
            case "bomb":
                packed = gzip.compress(b" " * 50_000_000)
                await connection.answer(200, {"content-encoding": "gzip"}, packed)
            case _:
                await connection.answer_json(200, self._found(asked))

    def _found(self, asked: dict[str, Any]) -> dict[str, Any]:
        pages = self.pages
        if pages is None:
            pages = [_page(asked["query"], number) for number in range(asked["max_results"])]
        return {
            "query": asked["query"],
            "follow_up_questions": None,
            "answer": None,
            "images": [],
            "results": pages,
            "response_time": 0.67,
            "request_id": "123e4567-e89b-12d3-a456-426614174111",
        }


def _page(query: str, number: int) -> dict[str, Any]:
    return {
        "title": f"Page {number} on {query}",
        "url": f"https://pages.example/{number}",
        "content": f"What page {number} says on {query}.",
        "score": 0.9 - number / 10,
        "raw_content": None,
    }


@asynccontextmanager
async def running_tavily() -> AsyncGenerator[TavilyStandIn]:
    """The stand-in on a free port of this machine."""
    standin = TavilyStandIn()
    serving = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(standin.serve(reader, writer))
        serving.add(task)
        with suppress(asyncio.CancelledError):
            await task
        serving.discard(task)

    server = await asyncio.start_server(serve, HOST, 0)
    standin.base_url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield standin
    finally:
        server.close()
        for task in serving:
            task.cancel()
