"""OpenRouter's wire format, read tolerantly: shapes, names, usage, and bodies of limited size.

Source: OpenRouter API reference, "Chat completions", "Streaming" and "Get a generation".
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from domain.llm.failures import Error, broken_answer
from domain.llm.fields import Fields, decode_json

NAME_LENGTH = 128
COST_AT_MOST_USD = 1_000
"""Above what any call can cost; higher figures are taken for errors."""

BOM = b"\xef\xbb\xbf"
TEXT_PARTS = {"text", "output_text", None}
THOUGHT_PARTS = {"thinking", "reasoning"}


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None

    def or_else(self, earlier: "Usage") -> "Usage":
        """This usage, with what it lacks from an earlier one."""
        return Usage(
            earlier.prompt_tokens if self.prompt_tokens is None else self.prompt_tokens,
            earlier.completion_tokens if self.completion_tokens is None else self.completion_tokens,
            earlier.cost_usd if self.cost_usd is None else self.cost_usd,
        )


@dataclass(frozen=True)
class Settlement:
    """A generation as OpenRouter describes it after its end."""

    total_cost_usd: Decimal
    provider: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class _Bounded(httpx.AsyncByteStream):
    """A response body of limited size, without a byte order mark."""

    def __init__(self, stream: httpx.AsyncByteStream, at_most: int) -> None:
        self._stream, self._left = stream, at_most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # A byte order mark would hide the first field of an event stream.
        start: bytes | None = b""
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise broken_answer("The model's answer was far too long.")
            if start is None:
                yield piece
            elif len(start := start + piece) >= len(BOM):
                piece, start = start.removeprefix(BOM), None
                yield piece
        if start:
            yield start

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


def usage_of(fields: Fields) -> Usage:
    """The usage in a completion; what is implausible is absent, and looked up later."""
    return Usage(
        fields.count("prompt_tokens"),
        fields.count("completion_tokens"),
        _cost_usd(fields, "cost", fields.object("cost_details") or fields),
    )


def settlement_of(fields: Fields) -> Settlement | None:
    """A generation that has ended, or None where its cost is absent or implausible."""
    cost_usd = _cost_usd(fields, "total_cost", fields)
    if cost_usd is None:
        return None
    native, counted = "native_tokens_", "tokens_"
    return Settlement(
        cost_usd,
        name_of(fields.text("provider_name")),
        fields.count(f"{native}prompt") or fields.count(f"{counted}prompt"),
        fields.count(f"{native}completion") or fields.count(f"{counted}completion"),
    )


def _cost_usd(fields: Fields, name: str, upstream: Fields) -> Decimal | None:
    """What a call cost. With a key of our own at the provider (BYOK), OpenRouter's part and the
    provider's.

    Source: OpenRouter docs, "Usage accounting": `upstream_inference_cost` repeats the cost of a
    call without such a key.
    """
    cost_usd = fields.number(name)
    upstream_usd = upstream.number("upstream_inference_cost")
    own_key = fields.flag("is_byok")
    if upstream_usd is not None and (own_key or (own_key is None and not cost_usd)):
        cost_usd = (cost_usd or Decimal(0)) + upstream_usd
    return cost_usd if cost_usd is not None and is_price(cost_usd) else None


def is_price(cost: Decimal) -> bool:
    return cost.is_finite() and 0 <= cost < COST_AT_MOST_USD


def error_of(fields: Fields) -> Error | None:
    """The error in a body, as an object or as a text."""
    value = fields.raw("error")
    if isinstance(value, str) and value:
        return Error(value)
    error = fields.object("error")
    if error is None:
        return None
    code = error.raw("code")
    status = error.count("code") if isinstance(code, int) or str(code).isdecimal() else None
    metadata = error.raw("metadata")
    return Error(
        error.text("message") or "", status, metadata if isinstance(metadata, dict) else {}
    )


def content_of(message: Fields) -> str:
    """The text of a message, whole or in parts, without thoughts."""
    content = message.raw("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        part = message.object("content")
        return _part_of(part) if part else ""
    parts: list[Any] = content
    return "".join(
        part if isinstance(part, str) else _part_of(Fields(part, message.skipped))
        for part in parts
        if isinstance(part, (str, dict))
    )


def _part_of(part: Fields) -> str:
    kind = part.text("type")
    if kind in TEXT_PARTS:
        return part.text("text") or ""
    if kind not in THOUGHT_PARTS:
        part.skip("content")
    return ""


def is_stream(response: httpx.Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("text/event-stream")


def decode(content: bytes) -> Fields:
    """The fields of a body.

    Raises:
        ModelFailed: It is no JSON object.
    """
    try:
        value = decode_json(content)
    except (ValueError, RecursionError) as error:
        raise broken_answer("The model's answer could not be read.") from error
    if not isinstance(value, dict):
        raise broken_answer("The model's answer could not be read.")
    return Fields(value, Counter())
