"""How many SQL statements a request causes: counted on the wire, between server and Postgres."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from bench.operations import Ask, Client
from dev import ports

PLAIN_PLEASE = {(80877103).to_bytes(4), (80877104).to_bytes(4)}
"""Requests for TLS and for GSS encryption; refused, so that messages can be read."""

WARMING = 12
COUNTED = 20


class Tap:
    """Hands everything on and writes down which statement is executed."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self.executed: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
        answers = asyncio.create_task(_copy(upstream_reader, writer))
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await self._begin(reader, writer, upstream)
            await self._follow(reader, upstream)
        answers.cancel()
        upstream.close()
        writer.close()

    async def _begin(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: asyncio.StreamWriter,
    ) -> None:
        while True:
            length = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(length) - 4)
            if rest not in PLAIN_PLEASE:
                upstream.write(length + rest)
                return
            writer.write(b"N")

    async def _follow(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        prepared: dict[bytes, str] = {}
        bound: dict[bytes, bytes] = {}
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(int.from_bytes(head[1:]) - 4)
            upstream.write(head + body)
            first, _, rest = body.partition(b"\0")
            second = rest.partition(b"\0")[0]
            match head[:1]:
                case b"P":
                    prepared[first] = second.decode()
                case b"B":
                    bound[first] = second
                case b"E":
                    self.executed.append(prepared.get(bound.get(first, b""), ""))
                case b"Q":
                    self.executed.append(first.decode())
                case _:
                    pass


@contextmanager
def tapped(url: str) -> Generator[tuple[str, Tap]]:
    """An address that leads to the same database through a tap."""
    parts = urlsplit(url)
    tap = Tap(parts.hostname or ports.LOOPBACK, parts.port or 5432)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = ports.free()
    serving = asyncio.start_server(tap.serve, ports.LOOPBACK, port)
    server = asyncio.run_coroutine_threadsafe(serving, loop).result(10)
    identity, at, _ = parts.netloc.rpartition("@")
    try:
        yield urlunsplit(parts._replace(netloc=f"{identity}{at}{ports.LOOPBACK}:{port}")), tap
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def executed(tap: Tap, port: int, asked: list[Ask]) -> list[str]:
    """The statements that so many requests execute once every connection knows them."""
    client = Client(port)
    for ask in asked[:WARMING]:
        client.ask(ask)
    tap.executed.clear()
    for ask in asked[WARMING : WARMING + COUNTED]:
        client.ask(ask)
    return list(tap.executed)


def is_control(statement: str) -> bool:
    """Whether it only opens or ends a transaction."""
    return statement.strip(" ;").split(" ")[0].upper() in {"BEGIN", "COMMIT", "ROLLBACK"}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
