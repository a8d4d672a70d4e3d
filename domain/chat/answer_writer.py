"""An answer while it is being written: told to those who follow, and kept in Postgres."""

import asyncio
from typing import Any
from uuid import UUID

import regex
import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.models import ChatMessage, ChatTurn
from db.repositories.chats import ChatRepository
from domain.chat.progress import TurnProgress
from domain.chat.prompt import LEAK_DETECTOR
from domain.chat.sources import Source, Sources
from domain.chat.tools import Used
from domain.llm.openrouter import ToolCall
from domain.model_runs.lease import Lease, LeaseLost
from domain.text import clean, clean_lines

KEEP_EVERY_S = 3.0
"""About so much of what was told is lost if both a worker and Redis are killed."""

TEXT_LENGTH = 20_000
"""In code points; no answer needs as many."""

KEPT_AT_ONCE = 3
"""Answers of one process; however many are being written, connections are left for the rest."""

ARGUMENTS_LENGTH = 500
TAIL, TAIL_LETTERS = 400, 150
"""In code points, and letters and digits among them, for a quote may be spaced far out: what was
told before is not looked through again.
"""

_LAST_CHARACTER = regex.compile(r"\X\Z")

log = structlog.get_logger()


class Unsayable(Exception):
    """The rest of what a model writes is not for telling."""


class Cleaner:
    """Makes a growing text clean, line by line."""

    def __init__(self) -> None:
        self._lines = ""
        self._line = ""

    def add(self, piece: str) -> None:
        *lines, self._line = (self._line + piece).split("\n")
        if lines:
            self._lines += clean_lines("\n".join(lines)) + "\n"

    def text(self, *, whole: bool) -> str:
        """The text so far; without a last character that is likely to be added to."""
        line = clean_lines(self._line)
        # Letters of English are shown at once: an accent of their own hardly ever follows.
        if not whole and not line[-1:].isascii():
            line = _LAST_CHARACTER.sub("", line)
        return self._lines + line


class AnswerWriter:
    """What is said of one answer, by one or several model calls, and the tools used for it."""

    def __init__(
        self,
        lease: Lease[ChatTurn],
        answer: ChatMessage,
        sources: Sources,
        progress: TurnProgress,
    ) -> None:
        self._lease = lease
        self._message_id = answer.id
        self._progress = progress
        self._before = answer.text
        self._cleaner = Cleaner()
        self._kept = (answer.text, 0)
        self._telling: asyncio.Task[None] | None = None
        self.sources = sources
        self.text = answer.text
        self.tools: list[dict[str, Any]] = list(answer.tools)

    @property
    def message_id(self) -> UUID:
        return self._message_id

    async def status(self, state: str, detail: str) -> None:
        about = {"turn_id": str(self._lease.request.id), "message_id": str(self._message_id)}
        await self.tell("status", {"state": state, "detail": detail} | about)

    async def tell(self, name: str, data: Any) -> None:
        """Tell something else, after what was said before it.

        Raises:
            Unsayable: See `hear`.
        """
        await self._all_told()
        await self._progress.tell(name, data)

    def begin_call(self, *, goes_on: bool) -> None:
        """What comes now is of another model call: a new paragraph, unless it goes on."""
        apart = "" if goes_on or not self.text or self.text.endswith("\n\n") else "\n\n"
        self._before, self._cleaner = self.text + apart, Cleaner()

    def hear(self, piece: str) -> None:
        """Take the next piece of what a model says.

        It is told at once; what comes while Redis is still being told is told together.

        Raises:
            Unsayable: What was said before repeats what the model was told, or does not end.
        """
        self._cleaner.add(piece)
        if self._telling and self._telling.done():
            told, self._telling = self._telling, None
            told.result()
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_what_comes())

    async def _tell_what_comes(self) -> None:
        told = None
        while told != (said := self._before + self._cleaner.text(whole=False)):
            await self._tell(said)
            told = said

    async def _all_told(self) -> None:
        telling, self._telling = self._telling, None
        if telling:
            await telling

    async def end_call(self) -> None:
        """All of it is there.

        Raises:
            Unsayable: See `hear`.
        """
        await self._all_told()
        said = self._cleaner.text(whole=True)
        if said.strip():
            await self._tell(self._before + said)

    async def say(self, text: str) -> None:
        """Say something of our own, as a paragraph."""
        self.begin_call(goes_on=False)
        self.hear(text)
        await self.end_call()

    async def _tell(self, text: str) -> None:
        if len(text) <= len(self.text):
            return
        # As a rule all of what was told; what comes next may still have changed its last letter.
        at = _alike(text, self.text)
        if len(text) > TEXT_LENGTH or LEAK_DETECTOR.matches(text[_look_from(text, at) :]):
            raise Unsayable
        if not text[at:].strip() and at <= len(self._before):
            return  # Nothing but space so far.
        token = {"message_id": str(self._message_id), "at": at, "text": text[at:]}
        self.text = text
        await self._progress.tell("token", token)

    async def call_tool(self, call: ToolCall) -> None:
        shown = clean(call.arguments)[:ARGUMENTS_LENGTH]
        name = clean(call.name)[:64] or "unknown"
        self.tools.append(
            {
                "id": call.id,
                "name": name,
                "arguments": shown,
                "ok": None,
                "summary": "",
                "sources": [],
            }
        )
        told = {"message_id": str(self._message_id), "id": call.id}
        await self.tell("tool_call", told | {"name": name, "arguments": shown})

    async def tool_used(self, call: ToolCall, used: Used) -> None:
        row = next(one for one in reversed(self.tools) if one["id"] == call.id)
        numbers = [one.number for one in used.sources]
        row |= {"ok": used.ok, "summary": used.summary, "sources": numbers}
        told = {"message_id": str(self._message_id), "id": call.id, "name": row["name"]}
        told |= {"ok": used.ok, "summary": used.summary, "sources": used.sources}
        await self.tell("tool_result", told)
        # What it found costs more than a few words, and they will point to it.
        await self.keep()

    async def keep_up(self, turn: asyncio.Semaphore) -> None:
        """Write down what is new, again and again when it is our turn, until this is cancelled."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            try:
                async with turn:
                    await self.keep()
            except (SQLAlchemyError, OSError) as error:
                log.warning("answer_not_kept", error=type(error).__name__)
            except LeaseLost:
                return

    async def keep(self) -> None:
        now = (self.text, sum(1 + (one["ok"] is not None) for one in self.tools))
        if now == self._kept:
            return
        async with self._lease.transaction() as session:
            await ChatRepository(session).change_message(self._message_id, **self.so_far())
        self._kept = now

    def so_far(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "tools": self.tools,
            "sources": [_row(one) for one in self.sources.all],
        }

    def finished(self) -> dict[str, Any]:
        """What is kept of it at its end."""
        text = self.text.strip()
        return self.so_far() | {
            "text": text,
            "sources": [_row(one) for one in self.sources.cited_in(text)],
        }


def _alike(text: str, begun: str) -> int:
    """How far the longer text is as the one before it."""
    if text.startswith(begun):
        return len(begun)
    pairs = enumerate(zip(text, begun, strict=False))
    return next(place for place, (one, other) in pairs if one != other)


def _look_from(text: str, at: int) -> int:
    place, letters = max(0, at - TAIL), sum(map(str.isalnum, text[max(0, at - TAIL) : at]))
    while place and letters < TAIL_LETTERS:
        place -= 1
        letters += text[place].isalnum()
    return place


def _row(source: Source) -> dict[str, Any]:
    """As JSON keeps it."""
    return {
        "number": source.number,
        "kind": source.kind,
        "title": source.title,
        "url": source.url,
        "factoid_id": str(source.factoid_id) if source.factoid_id else None,
    }
