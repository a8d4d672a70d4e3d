"""An answer while it is being written: streamed to its readers, and saved in Postgres."""

import asyncio
from typing import Any
from uuid import UUID

import regex
import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.models import ChatMessage, ChatTurn
from db.repositories.chats import ChatRepository
from domain.chat.prompt import LEAK_DETECTOR
from domain.chat.sources import Source, Sources
from domain.chat.tools import ToolResult
from domain.llm.tool_calls import ToolCall
from domain.model_runs.lease import Lease, LeaseLost
from domain.model_runs.progress import ProgressWriter
from domain.text import clean, clean_lines

SAVE_EVERY_S = 3.0
"""About how much of an answer is lost if both a worker and Redis are killed."""

TEXT_LENGTH = 20_000
"""In code points; no answer needs as many."""

SAVED_AT_ONCE = 3
"""Answers that one process saves at a time, so that connections are left for everything else."""

ARGUMENTS_LENGTH = 500
TAIL, TAIL_LETTERS = 400, 150
"""How much of the text before a new piece is checked for leaks with it: code points, and letters
and digits among them, since a quote may be spaced far out."""

_LAST_CHARACTER = regex.compile(r"\X\Z")

log = structlog.get_logger()


class AnswerWithheld(Exception):
    """The rest of what a model writes is not published."""


class LineCleaner:
    """Cleans a growing text, line by line."""

    def __init__(self) -> None:
        self._lines = ""
        self._line = ""

    def add(self, piece: str) -> None:
        *lines, self._line = (self._line + piece).split("\n")
        if lines:
            self._lines += clean_lines("\n".join(lines)) + "\n"

    def text(self, *, whole: bool) -> str:
        """The text so far; unless it is `whole`, without a last character that may still change."""
        line = clean_lines(self._line)
        # ASCII letters are shown at once: an accent of their own hardly ever follows.
        if not whole and not line[-1:].isascii():
            line = _LAST_CHARACTER.sub("", line)
        return self._lines + line


class AnswerWriter:
    """The text of one answer, written by one or several model calls, and the tools they used."""

    def __init__(
        self,
        lease: Lease[ChatTurn],
        answer: ChatMessage,
        sources: Sources,
        progress: ProgressWriter[ChatTurn],
    ) -> None:
        self._lease = lease
        self._message_id = answer.id
        self._progress = progress
        self._before = answer.text
        self._cleaner = LineCleaner()
        self._saved = (answer.text, 0)
        self._streaming: asyncio.Task[None] | None = None
        self.sources = sources
        self.text = answer.text
        self.tools: list[dict[str, Any]] = list(answer.tools)

    @property
    def message_id(self) -> UUID:
        return self._message_id

    async def status(self, state: str, detail: str) -> None:
        await self._all_streamed()
        about = {"turn_id": str(self._lease.run.id), "message_id": str(self._message_id)}
        await self._progress.status(state, detail, **about)

    async def write_event(self, name: str, data: Any) -> None:
        """Publish another event, after the text that was added before it.

        Raises:
            AnswerWithheld: See `add`.
        """
        await self._all_streamed()
        await self._progress.write(name, data)

    def begin_call(self, *, continues: bool) -> None:
        """Expect the text of another model call: a new paragraph, unless it continues the last."""
        separator = "" if continues or not self.text or self.text.endswith("\n\n") else "\n\n"
        self._before, self._cleaner = self.text + separator, LineCleaner()

    def add(self, piece: str) -> None:
        """Take the next piece of a model's text.

        It is published at once; pieces that arrive while Redis is still written to are published
        together.

        Raises:
            AnswerWithheld: The text before it quotes the prompt, or is too long.
        """
        self._cleaner.add(piece)
        if self._streaming and self._streaming.done():
            streamed, self._streaming = self._streaming, None
            streamed.result()
        if self._streaming is None:
            self._streaming = asyncio.create_task(self._stream())

    def replace(self, text: str) -> None:
        """Take a call's whole text so far, where what came before turned out to be none of it.

        Raises:
            AnswerWithheld: See `add`.
        """
        self._cleaner = LineCleaner()
        self.add(text)

    async def _stream(self) -> None:
        streamed = None
        while streamed != (text := self._before + self._cleaner.text(whole=False)):
            await self._publish(text)
            streamed = text

    async def _all_streamed(self) -> None:
        streaming, self._streaming = self._streaming, None
        if streaming:
            await streaming

    async def end_call(self) -> None:
        """Publish the rest of a call's text.

        Raises:
            AnswerWithheld: See `add`.
        """
        await self._all_streamed()
        text = self._cleaner.text(whole=True)
        if text.strip() or len(self.text) > len(self._before):
            await self._publish(self._before + text)

    async def add_paragraph(self, text: str) -> None:
        """Add a text of our own."""
        self.begin_call(continues=False)
        self.add(text)
        await self.end_call()

    async def _publish(self, text: str) -> None:
        if text == self.text:
            return
        # As a rule this is the end of what was published; a new piece may change its last letter.
        at = _common_length(text, self.text)
        if len(text) > TEXT_LENGTH or LEAK_DETECTOR.matches(text[_check_from(text, at) :]):
            raise AnswerWithheld
        if not text[at:].strip() and len(self.text) <= at <= len(self._before):
            return  # Nothing but space so far.
        token = {"message_id": str(self._message_id), "at": at, "text": text[at:]}
        self.text = text
        await self._progress.write("token", token)

    async def tool_called(self, call: ToolCall) -> None:
        arguments = clean(call.arguments)[:ARGUMENTS_LENGTH]
        name = clean(call.name)[:64] or "unknown"
        self.tools.append(
            {
                "id": call.id,
                "name": name,
                "arguments": arguments,
                "ok": None,
                "summary": "",
                "sources": [],
            }
        )
        event = {"message_id": str(self._message_id), "id": call.id}
        await self.write_event("tool_call", event | {"name": name, "arguments": arguments})

    async def tool_returned(self, call: ToolCall, result: ToolResult) -> None:
        row = next(tool for tool in reversed(self.tools) if tool["id"] == call.id)
        numbers = [source.number for source in result.sources]
        row |= {"ok": result.ok, "summary": result.summary, "sources": numbers}
        event = {"message_id": str(self._message_id), "id": call.id, "name": row["name"]}
        event |= {"ok": result.ok, "summary": result.summary, "sources": result.sources}
        await self.write_event("tool_result", event)
        # Its sources cost more than a few words, and the text will refer to them.
        await self.save()

    async def save_periodically(self, slots: asyncio.Semaphore) -> None:
        """Save what is new every few seconds, while a slot is free, until this is cancelled."""
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            try:
                async with slots:
                    await self.save()
            except (SQLAlchemyError, OSError) as error:
                log.warning("answer_not_saved", error=type(error).__name__)
            except LeaseLost:
                return

    async def save(self) -> None:
        version = (self.text, sum(1 + (tool["ok"] is not None) for tool in self.tools))
        if version == self._saved:
            return
        async with self._lease.transaction() as session:
            await ChatRepository(session).change_message(self._message_id, **self._columns())
        self._saved = version

    def finished(self) -> dict[str, Any]:
        """The columns of the message at its end."""
        text = self.text.strip()
        sources = [_as_json(source) for source in self.sources.cited_in(text)]
        return self._columns() | {"text": text, "sources": sources}

    def _columns(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "tools": self.tools,
            "sources": [_as_json(source) for source in self.sources.all],
        }


def _common_length(text: str, published: str) -> int:
    """How much of a text equals the one published before it."""
    if text.startswith(published):
        return len(published)
    pairs = enumerate(zip(text, published, strict=False))
    return next((index for index, (new, old) in pairs if new != old), len(text))


def _check_from(text: str, at: int) -> int:
    """Where to begin the check for leaks, so that it covers a whole phrase before `at`."""
    start, letters = max(0, at - TAIL), sum(map(str.isalnum, text[max(0, at - TAIL) : at]))
    while start and letters < TAIL_LETTERS:
        start -= 1
        letters += text[start].isalnum()
    return start


def _as_json(source: Source) -> dict[str, Any]:
    return {
        "number": source.number,
        "kind": source.kind,
        "title": source.title,
        "url": source.url,
        "factoid_id": str(source.factoid_id) if source.factoid_id else None,
    }
