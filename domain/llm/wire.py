"""OpenRouter's wire format, read tolerantly: shapes, names, usage, and bodies of limited size.

Source: OpenRouter API reference, "Chat completions", "Streaming" and "Get a generation".
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import httpx
import msgspec
from msgspec import Meta

from domain.llm.failures import broken_answer

T = TypeVar("T")

NAME_LENGTH = 128
COST_AT_MOST_USD = 1_000
"""Above what any call can cost; higher figures are taken for errors."""

Tokens = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Usage(msgspec.Struct):
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    cost: Decimal | None = None
    """US dollars, read from the JSON text, never through a float."""


class Error(msgspec.Struct):
    message: str = ""
    code: Any = None
    metadata: Any = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCallPart(msgspec.Struct):
    """A piece of a tool call; pieces with one index belong together."""

    index: int | None = None
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    tool_calls: list[ToolCallPart] | None = None


class _Choice(msgspec.Struct):
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    id: str | None = None
    provider: str | None = None
    choices: list[_Choice] = msgspec.field(default_factory=list[_Choice])
    usage: msgspec.Raw = msgspec.Raw(b"null")
    error: Error | None = None


class Settlement(msgspec.Struct):
    """A generation as OpenRouter describes it after its end."""

    total_cost: Decimal
    provider_name: str | None = None
    native_tokens_prompt: Tokens | None = None
    native_tokens_completion: Tokens | None = None
    tokens_prompt: Tokens | None = None
    tokens_completion: Tokens | None = None


class SettlementData(msgspec.Struct):
    data: Settlement


class Refusal(msgspec.Struct):
    error: Error = msgspec.field(default_factory=Error)


class _Bounded(httpx.AsyncByteStream):
    """A response body of limited size."""

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


def bound(response: httpx.Response, at_most: int) -> None:
    """Limit how much of a response body can be read.

    Raises:
        ModelFailed: At once where the body is compressed, which was not accepted; while it is
            read where it is longer.
    """
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise broken_answer("The model's answer could not be read.")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Bounded(response.stream, at_most)


def name_of(given: str | None) -> str | None:
    """A name as it can be stored, or None."""
    return given if given and len(given) <= NAME_LENGTH and given.isprintable() else None


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """The usage in a completion, or None where it is implausible; then it is looked up later."""
    try:
        usage = msgspec.json.decode(raw, type=Usage | None, strict=False)
    except msgspec.DecodeError:
        return None
    if usage and usage.cost is not None and not is_price(usage.cost):
        return None
    return usage


def is_price(cost: Decimal) -> bool:
    return cost.is_finite() and 0 <= cost < COST_AT_MOST_USD


def is_stream(response: httpx.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/event-stream")


def decode(content: bytes, kind: type[T]) -> T:
    """Raises: ModelFailed: It is not JSON of this shape."""
    try:
        return msgspec.json.decode(content, type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise broken_answer("The model's answer could not be read.") from error
