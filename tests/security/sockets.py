"""A client of the pages' websocket that says whatever it is told to."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from simple_websocket import AioClient, ConnectionClosed

HERE = {"Origin": "http://127.0.0.1"}
"""This client leaves the port out of the host it asks for."""

JOINED = "40/_event,"


class Socket:
    def __init__(self, client: AioClient) -> None:
        self._client = client

    async def say(self, frame: str | bytes) -> None:
        await self._client.send(frame)

    async def event(self, name: Any, payload: Any, **more: Any) -> None:
        """An event of a page, as Reflex' own script sends it."""
        said = {"name": name, "payload": payload, "router_data": {"pathname": "/"}} | more
        await self.say("42/_event," + json.dumps(["event", said]))

    async def hears(self, part: str, within_s: float = 30) -> str | None:
        """The first frame with this in it; None when the server hangs up or falls silent first."""
        try:
            while (frame := await self._client.receive(timeout=within_s)) is not None:
                if isinstance(frame, str):
                    if frame == "2":
                        await self.say("3")
                    if part in frame:
                        return frame
        except ConnectionClosed:
            pass
        return None

    async def is_answered(self) -> bool:
        """Whether the server still reads this socket: it answers each ping of a page."""
        await self.say('42/_event,["ping"]')
        return await self.hears('"ping"') is not None


@asynccontextmanager
async def joined(
    origin: str, token: str | None = None, headers: dict[str, str] = HERE
) -> AsyncGenerator[Socket]:
    """A socket that has joined the pages' channel."""
    address = origin.replace("http", "ws", 1)
    url = f"{address}/_event/?EIO=4&transport=websocket&token={token or uuid4()}"
    client = await AioClient.connect(url, headers=headers, max_message_size=1 << 22)
    socket = Socket(client)
    try:
        await socket.say(JOINED)
        assert await socket.hears("40/_event")
        yield socket
    finally:
        with suppress(ConnectionClosed):
            await client.close()
