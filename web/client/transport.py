"""An httpx transport that calls an ASGI app in the same process and streams its answer.

The ASGITransport of httpx collects the whole body first, so an endless stream of events never
arrives. This one passes each piece on as it is sent, and closing the response early sends the app
a disconnect, as a closed connection does. See ADR 16.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx

Message = MutableMapping[str, Any]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

CLEANUP_S = 2.0
"""How long an app may clean up after its response was closed, before it is cancelled."""


class StreamingASGITransport(httpx.AsyncBaseTransport):
    """Sends requests to `app`; `extensions={"client": (host, port)}` sets the client's address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(request, await request.aread())
        status, headers = await exchange.start(self._app)
        return httpx.Response(status, headers=headers, stream=exchange)


class _Exchange(httpx.AsyncByteStream):
    """One request and its response, with the app running in a task of its own."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(key.lower(), value) for key, value in request.headers.raw],
            "server": (request.url.host, request.url.port),
            "client": request.extensions.get("client", ("127.0.0.1", 0)),
            "extensions": {},
            "state": {},
        }
        self._read_s: float | None = request.extensions.get("timeout", {}).get("read")
        self._body: bytes | None = body
        self._ended = asyncio.Event()
        """Set when the response is complete or its reader has closed it."""
        # One piece at a time, so that an app that writes faster than it is read has to wait.
        self._pieces: asyncio.Queue[bytes | Exception | None] = asyncio.Queue(maxsize=1)
        self._head: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]]
        self._task: asyncio.Task[None]

    async def start(self, app: ASGIApp) -> tuple[int, list[tuple[bytes, bytes]]]:
        loop = asyncio.get_running_loop()
        self._head = loop.create_future()
        # An empty context, as over a network: the app sees no context variable of the caller.
        self._task = loop.create_task(self._run(app), context=contextvars.Context())
        try:
            async with asyncio.timeout(self._read_s):
                return await self._head
        except TimeoutError as error:
            await self.aclose()
            raise httpx.ReadTimeout("The app did not answer in time.") from error
        except BaseException:
            await self.aclose()
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._read_s):
                    piece = await self._pieces.get()
            except TimeoutError as error:
                raise httpx.ReadTimeout("The app fell silent.") from error
            if piece is None:
                return
            if isinstance(piece, Exception):
                raise httpx.ReadError("The app failed while answering.") from piece
            yield piece

    async def aclose(self) -> None:
        self._ended.set()
        if not self._task.done():
            await asyncio.wait({self._task}, timeout=CLEANUP_S)
        if not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, app: ASGIApp) -> None:
        failure: Exception | None = None
        try:
            await app(self._scope, self._receive, self._send)
        except Exception as error:
            failure = error
        if not self._head.done():
            broken = httpx.ReadError("The app failed before answering.")
            broken.__cause__ = failure
            self._head.set_exception(broken)
        elif not self._ended.is_set():
            await self._put_piece(failure)

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # The caller may have given up before there was a response.
            if not self._head.done():
                self._head.set_result((message["status"], list(message.get("headers", []))))
        elif message["type"] == "http.response.body" and not self._ended.is_set():
            if message.get("body"):
                await self._put_piece(message["body"])
            if not message.get("more_body", False):
                await self._put_piece(None)
                self._ended.set()

    async def _put_piece(self, piece: bytes | Exception | None) -> None:
        """Pass a piece to the reader, or drop it when the response was closed."""
        put = asyncio.ensure_future(self._pieces.put(piece))
        closed = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({put, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            put.cancel()
            closed.cancel()
