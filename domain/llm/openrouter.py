"""OpenRouter over HTTP: stream a completion, look up its cost, read the catalogue."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from httpx_sse import EventSource, SSEError

from domain.llm.control_text import without_control_text
from domain.llm.failures import (
    Error,
    ModelFailed,
    broken_answer,
    declined_answer,
    failure_of,
    failure_within_answer,
    no_answer_in_time,
    unreachable,
)
from domain.llm.fields import Fields, TextJoiner, decode_json, encode_json
from domain.llm.reasoning import Reasoning
from domain.llm.tool_calls import ToolCall, ToolCalls
from domain.llm.wire import (
    Settlement,
    Usage,
    bound,
    content_of,
    decode,
    error_of,
    is_stream,
    name_of,
    settlement_of,
    usage_of,
)

OPENROUTERS_OWN = {"provider", "metadata", "models"}
"""Fields of a request that strict servers of others refuse."""

ANSWER_BYTES_AT_MOST = 1_000_000
CATALOGUE_BYTES_AT_MOST = 16_000_000
SETTLEMENT_BYTES_AT_MOST = 100_000
REFUSAL_BYTES_AT_MOST = 100_000
REFUSAL_S = 5
"""How long to wait for the body of an error answer; its status suffices."""


log = structlog.get_logger()


@dataclass(frozen=True)
class Patience:
    """How long to wait for a model, in seconds."""

    connect_s: float = 5
    silence_s: float = 20
    """Without a piece of the answer; keep-alive comments do not count."""
    total_s: float = 60
    """For all calls of one request together."""


@dataclass
class Completion:
    """A completion while it arrives; its fields hold what `pieces` has brought so far."""

    upstream_id: str | None
    _response: httpx.Response
    _patience: Patience
    _started_at: float
    reasoning: Reasoning = field(default_factory=Reasoning)
    """What the model wants to be shown again with the results of its tool calls."""
    provider: str | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    first_token_s: float | None = None
    total_s: float | None = None
    _text: str = ""
    _joiner: TextJoiner = field(default_factory=TextJoiner)
    _tool_calls: ToolCalls = field(default_factory=ToolCalls)
    _skipped: Counter[str] = field(default_factory=Counter[str])
    _is_done: bool = False
    """Whether the server has said that nothing follows."""
    _is_whole: bool = False

    @property
    def content(self) -> str:
        """The text for its reader, without control text; what is there is hardly ever withdrawn."""
        return without_control_text(self._text, whole=self._is_whole)

    @property
    def output(self) -> str:
        """The text and the arguments of tool calls; all that was written where that is nothing."""
        arguments = "".join(call.arguments for call in self.tool_calls)
        return (self.content + arguments) or self._text

    @property
    def tool_calls(self) -> list[ToolCall]:
        return self._tool_calls.all

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
                        yield piece
        except httpx.HTTPError as error:
            # Once all of the text is there, only the usage is missing; that can be asked for.
            if self.finish_reason is None:
                raise broken_answer("The connection to the model broke off.") from error
        finally:
            if self._skipped:
                log.warning("answer_fields_skipped", fields=dict(self._skipped))
        self.total_s = time.monotonic() - self._started_at
        if self.finish_reason is None:
            if not (self._is_done and self.first_token_s):
                raise broken_answer("The model stopped in the middle of its answer.")
            self.finish_reason = "stop"
        self._is_whole = True

    def _take(self, chunk: Fields) -> str:
        """Take what a chunk holds; returns its text and the arguments of its tool calls."""
        self.upstream_id = self.upstream_id or name_of(chunk.identifier("id"))
        self.provider = name_of(chunk.text("provider")) or self.provider
        if usage := chunk.object("usage"):
            self.usage = usage_of(usage).or_else(self.usage)
        choice = next(iter(chunk.objects("choices")), None)
        if error := error_of(chunk) or (choice and error_of(choice)):
            raise self._failure(error)
        if choice is None:
            return ""
        self.finish_reason = choice.text("finish_reason") or self.finish_reason
        message = choice.object("delta") or choice.object("message")
        if self.finish_reason == "content_filter" or (message and message.text("refusal")):
            raise declined_answer()
        if self.finish_reason == "error":
            raise broken_answer("The model's provider failed in the middle of the answer.")
        if message is None:
            return ""
        self.reasoning.add(message)
        text = self._joiner.add(content_of(message))
        self._text += text
        return text + self._tool_calls.add(message)

    def _failure(self, error: Error) -> ModelFailed:
        return failure_within_answer(error, begun=bool(self.first_token_s or self.finish_reason))

    async def _chunks(self) -> AsyncGenerator[Fields]:
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

    async def _streamed(self) -> AsyncGenerator[Fields]:
        try:
            async with aclosing(EventSource(self._response).aiter_sse()) as events:
                async for event in events:
                    if event.data.strip() == "[DONE]":
                        self._is_done = True
                        return
                    if event.data and (chunk := self._read_event(event.data)):
                        yield chunk
        except SSEError as error:
            raise broken_answer("The model's answer could not be read.") from error

    def _read_event(self, data: str) -> Fields | None:
        """The fields of an event, or None for one that is no object."""
        try:
            value = decode_json(data)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return Fields(value, self._skipped)
        self._skipped["event"] += 1
        return None

    async def _whole(self) -> AsyncGenerator[Fields]:
        body = decode(await self._response.aread())
        body.skipped = self._skipped
        self._is_done = True
        yield body


class OpenRouter:
    """The language models of OpenRouter, by its documented HTTP interface."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        site_url: str,
        patience: Patience | None = None,
        states_costs: bool = True,
    ) -> None:
        """`states_costs` is false for another server with OpenAI's interface: its costs are
        computed, and it is not sent what OpenRouter alone knows.
        """
        self._patience = patience or Patience()
        self.states_costs = states_costs
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={
                # A server of our own may want none.
                **({"Authorization": f"Bearer {api_key}"} if api_key else {}),
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
            content=encode_json(self._adapted(body) | {"stream": True}),
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

    def _adapted(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.states_costs:
            return body
        known = {name: value for name, value in body.items() if name not in OPENROUTERS_OWN}
        return known | {"stream_options": {"include_usage": True}}

    async def settlement(self, upstream_id: str) -> Settlement | None:
        """What a completion cost, or None while OpenRouter does not say yet.

        Source: OpenRouter API reference, `GET /generation`.
        """
        try:
            content = await self._get(
                f"/generation?id={quote(upstream_id, safe='')}", SETTLEMENT_BYTES_AT_MOST
            )
            found = decode(content).object("data")
        except ModelFailed:
            return None
        return settlement_of(found) if found else None

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
            error = error_of(decode(await response.aread()))
    except (ModelFailed, httpx.HTTPError, TimeoutError):
        error = None
    return failure_of(response.status_code, error or Error(), response.headers)
