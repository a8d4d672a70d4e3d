"""OpenRouter over HTTP: stream a completion, look up its cost, read the catalogue."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
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
from domain.llm.wire import (
    Chunk,
    Refusal,
    Settlement,
    SettlementData,
    ToolCallPart,
    Usage,
    bound,
    decode,
    is_price,
    is_stream,
    name_of,
    usage_of,
)

ANSWER_BYTES_AT_MOST = 1_000_000
CATALOGUE_BYTES_AT_MOST = 16_000_000
SETTLEMENT_BYTES_AT_MOST = 100_000
REFUSAL_BYTES_AT_MOST = 100_000
TOOL_CALLS_AT_MOST = 100
"""Of one completion; further ones are ignored."""
REFUSAL_S = 5
"""How long to wait for the body of an error answer; its status suffices."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a model, in seconds."""

    connect_s: float = 5
    silence_s: float = 20
    """Without a piece of the answer; keep-alive comments do not count."""
    total_s: float = 60
    """For all calls of one request together."""


@dataclass
class ToolCall:
    """A tool call of a model; the arguments are text as written, complete only at the end."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class Completion:
    """A completion while it arrives; its fields hold what `pieces` has brought so far."""

    upstream_id: str | None
    _response: httpx.Response
    _patience: Patience
    _started_at: float
    output: str = ""
    """Text and arguments of tool calls, in the order of their arrival."""
    content: str = ""
    """The text alone."""
    tool_calls: dict[int, ToolCall] = field(default_factory=dict[int, ToolCall])
    """By their index; more than `TOOL_CALLS_AT_MOST` are not kept."""
    provider: str | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    first_token_s: float | None = None
    total_s: float | None = None

    async def pieces(self) -> AsyncGenerator[str]:
        """The pieces of the answer as they arrive.

        Raises:
            ModelFailed: It broke off, went silent, grew too large, or the model declined.
        """
        bound(self._response, ANSWER_BYTES_AT_MOST)
        try:
            async with aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    if piece := self._take(chunk):
                        self.first_token_s = (
                            self.first_token_s or time.monotonic() - self._started_at
                        )
                        self.output += piece
                        yield piece
        except httpx.HTTPError as error:
            # Once all of the text is there, only the usage is missing; that can be asked for.
            if self.finish_reason is None:
                raise broken_answer("The connection to the model broke off.") from error
        self.total_s = time.monotonic() - self._started_at
        if self.finish_reason is None:
            raise broken_answer("The model stopped in the middle of its answer.")

    def _take(self, chunk: Chunk) -> str:
        self.upstream_id = self.upstream_id or name_of(chunk.id)
        self.provider = name_of(chunk.provider) or self.provider
        self.usage = usage_of(chunk.usage) or self.usage
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
        # Postgres takes any character but this one.
        text = message.content.replace("\0", "") if isinstance(message.content, str) else ""
        self.content += text
        return text + "".join(
            self._take_call(position, part)
            for position, part in enumerate(message.tool_calls or [])
        )

    def _take_call(self, position: int, part: ToolCallPart) -> str:
        index = position if part.index is None else part.index
        written = (part.function.arguments or "").replace("\0", "")
        if index in self.tool_calls or len(self.tool_calls) < TOOL_CALLS_AT_MOST:
            call = self.tool_calls.setdefault(index, ToolCall())
            call.id = call.id or name_of(part.id) or ""
            call.name = call.name or name_of(part.function.name) or ""
            call.arguments += written
        return written

    async def _chunks(self) -> AsyncGenerator[Chunk]:
        """The chunks of a stream, or the single one of a plain JSON answer, each within the
        patience for silence."""
        arriving = self._streamed() if is_stream(self._response) else self._whole()
        async with aclosing(arriving) as chunks:
            while True:
                try:
                    async with asyncio.timeout(self._patience.silence_s):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    if self.finish_reason:
                        return
                    raise no_answer_in_time() from error
                yield chunk

    async def _streamed(self) -> AsyncGenerator[Chunk]:
        try:
            async with aclosing(EventSource(self._response).aiter_sse()) as events:
                async for event in events:
                    if event.data == "[DONE]":
                        return
                    if event.data:
                        yield decode(event.data.encode(), Chunk)
        except SSEError as error:
            raise broken_answer("The model's answer could not be read.") from error

    async def _whole(self) -> AsyncGenerator[Chunk]:
        yield decode(await self._response.aread(), Chunk)


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
            # Readers set their own timeouts: httpx' timer for each piece would take a tenth of the
            # time that a long completion costs.
            timeout=httpx.Timeout(
                self._patience.silence_s, connect=self._patience.connect_s, read=None
            ),
            # The worker bounds how many run at once; httpx' default of a hundred connections
            # would make the next one wait, and fail.
            limits=httpx.Limits(max_keepalive_connections=20),
            follow_redirects=False,
        )

    @property
    def patience(self) -> Patience:
        return self._patience

    async def close(self) -> None:
        await self._http.aclose()

    @asynccontextmanager
    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[Completion]:
        """Request a completion; leaving the block closes the connection and stops the model.

        Source: OpenRouter API reference, `POST /chat/completions`.

        Raises:
            ModelFailed: There is none; says whether it may have been billed.
        """
        request = self._http.build_request(
            "POST",
            "/chat/completions",
            content=msgspec.json.encode(body | {"stream": True}),
            headers={"Content-Type": "application/json"},
        )
        started_at = time.monotonic()
        response = await self._send(request)
        try:
            if response.status_code != 200:
                raise await _refusal(response)
            named = name_of(response.headers.get("X-Generation-Id"))
            yield Completion(named, response, self._patience, started_at)
        finally:
            await response.aclose()

    async def settlement(self, upstream_id: str) -> Settlement | None:
        """What a completion cost, or None while OpenRouter does not say yet.

        Source: OpenRouter API reference, `GET /generation`.
        """
        try:
            content = await self._get(
                f"/generation?id={quote(upstream_id, safe='')}", SETTLEMENT_BYTES_AT_MOST
            )
            found = decode(content, SettlementData).data
        except ModelFailed:
            return None
        return found if is_price(found.total_cost) else None

    async def catalogue(self) -> bytes:
        """The catalogue as OpenRouter writes it: `{"data": [...]}`.

        Raises:
            ModelFailed: It could not be had.
        """
        return await self._get("/models", CATALOGUE_BYTES_AT_MOST)

    async def _get(self, path: str, at_most: int) -> bytes:
        response = await self._send(self._http.build_request("GET", path))
        try:
            if response.status_code != 200:
                raise await _refusal(response)
            bound(response, at_most)
            async with asyncio.timeout(self._patience.silence_s):
                return await response.aread()
        except (httpx.HTTPError, TimeoutError) as error:
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


async def _refusal(response: httpx.Response) -> ModelFailed:
    try:
        bound(response, REFUSAL_BYTES_AT_MOST)
        async with asyncio.timeout(REFUSAL_S):
            refused = decode(await response.aread(), Refusal)
    except (ModelFailed, httpx.HTTPError, TimeoutError):
        refused = Refusal()
    return failure_of(
        response.status_code, refused.error.message, refused.error.metadata, response.headers
    )
