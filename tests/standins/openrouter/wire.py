"""HTTP/1.1 by hand, so that every byte, pause and cut on the socket is ours."""

import asyncio
import contextlib
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import msgspec

MOST_HEAD_BYTES = 65_536

_exact = msgspec.json.Encoder(decimal_format="number")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unofficial"


def to_json(value: object) -> bytes:
    """JSON with every Decimal as an exact number."""
    return _exact.encode(value)


class ConnectionCut(Exception):
    """We closed the connection in the middle of an answer, on purpose."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes


class Connection:
    """One client's connection: requests in, answers out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._read_ahead = b""
        self._chunked = False
        self.every_byte_s: float | None = None
        """When set, bodies go out in chunks of one byte with this pause, in seconds, after each."""
        self.bytes_sent = 0
        """Bytes of the present answer."""
        self.status: int | None = None
        """Status of the present answer, once its head is sent."""

    async def read_request(self) -> Request | None:
        """The next request; `None` when the client has closed or does not speak HTTP."""
        self.bytes_sent, self.status, self.every_byte_s = 0, None, None
        while b"\r\n\r\n" not in self._read_ahead:
            if len(self._read_ahead) > MOST_HEAD_BYTES or not await self._read_more():
                return None
        head, _, self._read_ahead = self._read_ahead.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, target = first.removesuffix(" HTTP/1.1").partition(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length", "0"))
        while len(self._read_ahead) < length:
            if not await self._read_more():
                return None
        body, self._read_ahead = self._read_ahead[:length], self._read_ahead[length:]
        url = urlsplit(target)
        return Request(method, url.path, dict(parse_qsl(url.query)), headers, body)

    async def _read_more(self) -> bool:
        try:
            more = await self._reader.read(65_536)
        except ConnectionError:
            return False
        self._read_ahead += more
        return bool(more)

    async def closed_by_client(self) -> None:
        """Return once the client has closed; keeps what it sends before that."""
        while await self._read_more():
            pass

    async def begin(self, status: int, headers: dict[str, str], length: int | None = None) -> None:
        """Send the head. Without a length the body goes out in chunks and needs `end`."""
        self.status = status
        self._chunked = length is None
        framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self._write("\r\n".join([*lines, framing, "", ""]).encode("latin-1"))

    async def body(self, data: bytes) -> None:
        if self.every_byte_s is None:
            await self._write(self._framed(data))
            return
        for byte in data:
            await self._write(self._framed(bytes([byte])))
            await asyncio.sleep(self.every_byte_s)

    async def end(self) -> None:
        if self._chunked:
            await self._write(b"0\r\n\r\n")

    async def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """A whole answer at once."""
        await self.begin(status, headers, len(body))
        await self.body(body)

    async def answer_json(
        self, status: int, value: object, headers: dict[str, str] | None = None
    ) -> None:
        kind = {"content-type": "application/json"}
        await self.answer(status, kind | (headers or {}), to_json(value))

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._writer.close()

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked and data else data

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        self.bytes_sent += len(data)
        await self._writer.drain()
