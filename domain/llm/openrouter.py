"""OpenRouter over HTTP: stream an answer, ask what one cost, read the catalogue."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from httpx_sse import EventSource, SSEError

from domain.llm.failures import (
    ModelFailed,
    broken_answer,
    failure_of,
    no_answer_in_time,
    unreachable,
)

T = TypeVar("T")

ANSWER_BYTES_AT_MOST = 1_000_000
CATALOGUE_BYTES_AT_MOST = 16_000_000


@dataclass(frozen=True)
class Patience:
    """How long to wait for a model, in seconds."""

    connect_s: float = 5
    silence_s: float = 20
    """Without a piece of the answer; keep-alive comments do not count."""
    total_s: float = 60
    """For all calls of one request together."""


class Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: Decimal | None = None
    """US dollars, read from the JSON text, never through a float."""


class _Error(msgspec.Struct):
    message: str = ""
    code: Any = None
    metadata: Any = None


class _Function(msgspec.Struct):
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    provider: str | None = None
    choices: list[_Choice] = msgspec.field(default_factory=list[_Choice])
    usage: Usage | None = None
    error: _Error | None = None


class Settlement(msgspec.Struct):
    """What OpenRouter says afterwards of one generation."""

    total_cost: Decimal
    provider_name: str | None = None
    native_tokens_prompt: int | None = None
    native_tokens_completion: int | None = None
    tokens_prompt: int | None = None
    tokens_completion: int | None = None


class _SettlementData(msgspec.Struct):
    data: Settlement


@dataclass
class Answer:
    """An answer while it arrives; iterate over it for its pieces."""

    upstream_id: str | None
    _response: httpx.Response
    _patience: Patience
    _began: float
    text: str = ""
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    first_token_s: float | None = None
    total_s: float | None = None

    async def __aiter__(self) -> AsyncIterator[str]:
        """The pieces of the answer as they arrive.

        Raises:
            ModelFailed: It broke off, went silent, grew too large, or the model declined.
        """
        try:
            async for chunk in self._chunks():
                if piece := self._take(chunk):
                    self.first_token_s = self.first_token_s or time.monotonic() - self._began
                    self.text += piece
                    yield piece
        except httpx.HTTPError as error:
            raise broken_answer("The connection to the model broke off.") from error
        self.total_s = time.monotonic() - self._began
        if self.finish_reason is None:
            raise broken_answer("The model stopped in the middle of its answer.")

    def _take(self, chunk: _Chunk) -> str:
        self.upstream_id = self.upstream_id or chunk.id
        self.model, self.provider = chunk.model or self.model, chunk.provider or self.provider
        self.usage = chunk.usage or self.usage
        if chunk.error:
            raise failure_of(200, chunk.error.message, chunk.error.metadata, {})
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        message = choice.delta or choice.message
        if message is None:
            return ""
        if message.refusal or choice.finish_reason == "content_filter":
            raise failure_of(200, "", {"error_type": "refusal"}, {})
        if choice.finish_reason == "error":
            raise broken_answer("The model's provider failed in the middle of the answer.")
        called = "".join(c.function.arguments or "" for c in message.tool_calls or [])
        return (message.content if isinstance(message.content, str) else "") + called

    async def _chunks(self) -> AsyncIterator[_Chunk]:
        """Chunks of a stream, or the one of a plain JSON answer; none may be late."""
        chunks = self._streamed() if _is_stream(self._response) else self._whole()
        while True:
            try:
                async with asyncio.timeout(self._patience.silence_s):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise no_answer_in_time() from error
            yield chunk

    async def _streamed(self) -> AsyncIterator[_Chunk]:
        try:
            async for event in EventSource(self._response).aiter_sse():
                if event.data == "[DONE]":
                    return
                if event.data:
                    yield _decode(event.data.encode(), _Chunk)
        except SSEError as error:
            raise broken_answer("The model's answer could not be read.") from error

    async def _whole(self) -> AsyncIterator[_Chunk]:
        yield _decode(await self._response.aread(), _Chunk)


class OpenRouter:
    """The language models of OpenRouter, by its documented HTTP interface."""

    def __init__(
        self, *, base_url: str, api_key: str, site_url: str, patience: Patience | None = None
    ) -> None:
        self._patience = patience or Patience()
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {api_key}",
                "HTTP-Referer": site_url,
                "X-OpenRouter-Title": "Andy's Daily Factoids",
                # A compressed answer could grow without bound, so none is asked for.
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(self._patience.silence_s, connect=self._patience.connect_s),
            follow_redirects=False,
        )

    @property
    def patience(self) -> Patience:
        return self._patience

    async def close(self) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[Answer]:
        """Ask a model; leaving the block closes the connection and stops its work.

        Source: OpenRouter API reference, `POST /chat/completions`.

        Raises:
            ModelFailed: Nothing was answered; says whether it may have been billed.
        """
        request = self._http.build_request(
            "POST",
            "/chat/completions",
            content=msgspec.json.encode(body | {"stream": True}),
            headers={"Content-Type": "application/json"},
        )
        began = time.monotonic()
        response = await self._send(request)
        try:
            _bound(response, ANSWER_BYTES_AT_MOST)
            if response.status_code != 200:
                raise await _refusal(response)
            yield Answer(response.headers.get("X-Generation-Id"), response, self._patience, began)
        finally:
            await response.aclose()

    async def settlement(self, upstream_id: str) -> Settlement | None:
        """What a generation cost, or None while OpenRouter does not say yet.

        Source: OpenRouter API reference, `GET /generation`.
        """
        try:
            response = await self._http.get(f"/generation?id={quote(upstream_id, safe='')}")
            if response.status_code != 200:
                return None
            return _decode(response.content, _SettlementData).data
        except (httpx.HTTPError, ModelFailed):
            return None

    async def catalogue(self) -> bytes:
        """The catalogue as OpenRouter writes it: `{"data": [...]}`.

        Raises:
            ModelFailed: It could not be had.
        """
        request = self._http.build_request("GET", "/models")
        response = await self._send(request)
        try:
            _bound(response, CATALOGUE_BYTES_AT_MOST)
            if response.status_code != 200:
                raise await _refusal(response)
            return await response.aread()
        except httpx.HTTPError as error:
            raise unreachable() from error
        finally:
            await response.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._patience.silence_s):
                return await self._http.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise unreachable() from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise no_answer_in_time() from error
        except httpx.HTTPError as error:
            raise broken_answer("The connection to the model broke off.") from error


class _Bounded(httpx.AsyncByteStream):
    """A body that may not pass a size."""

    def __init__(self, stream: httpx.AsyncByteStream, at_most: int) -> None:
        self._stream, self._left = stream, at_most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise broken_answer("The model's answer was far too long.")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def _bound(response: httpx.Response, at_most: int) -> None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise broken_answer("The model's answer could not be read.")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Bounded(response.stream, at_most)


def _is_stream(response: httpx.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/event-stream")


def _decode(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise broken_answer("The model's answer could not be read.") from error


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


async def _refusal(response: httpx.Response) -> ModelFailed:
    try:
        refused = _decode(await response.aread(), _Refusal)
    except (ModelFailed, httpx.HTTPError):
        refused = _Refusal()
    return failure_of(
        response.status_code, refused.error.message, refused.error.metadata, response.headers
    )
