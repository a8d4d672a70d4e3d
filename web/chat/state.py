"""One chat: what was said, and the answer while it is written."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import msgspec
import reflex as rx
from reflex.event import Event

from api.schemas.chats import ChatChangeIn, ChatOut, MessageIn
from api.schemas.problem import Problem
from web.chat.answer import Answer
from web.chat.form import ChatAsking, Prospect, prospect
from web.chat.updates import asked_elsewhere
from web.chat.words import (
    TOO_LONG,
    TOO_MUCH,
    Said,
    Source,
    ToolUse,
    meter_words,
    refused_words,
    to_said,
)
from web.client.api import ApiProblem
from web.client.chats import ChatsClient, chats_for
from web.client.session import page_is_open
from web.factoid.votes import as_uuid
from web.generate.state import RETRIES_S
from web.ui.client_store import tell
from web.ui.draft import FLUSH_S, with_pauses
from web.ui.forms import fields_of, press_of, text_of
from web.ui.layout import NAME

LOST = Problem(
    "Lost sight of it", 503, "The answer goes on, but we lost sight of it.", "unreachable", ""
)

log = logging.getLogger(__name__)


class Talk(ChatAsking, rx.State):
    """The chat that is shown. The answer is written in the worker: this only shows it."""

    ready: bool = False
    missing: bool = False
    problem: str = ""
    id: str = ""
    title: str = ""
    page_title: str = f"Chat | {NAME}"
    about_href: str = ""
    model: str = ""
    share_url: str = ""
    said: list[Said] = []
    busy: bool = False
    stage: str = ""
    tools: list[ToolUse] = []
    sources: list[Source] = []
    spoken: str = ""
    """The latest whole sentences, for screen readers."""
    meter: str = ""
    editing: str = ""
    """The message of theirs that the next one replaces."""
    _answer_so_far: str = ""
    _turn_id: UUID | None = None
    """Whose answer was asked for last."""
    _run: int = 0
    """Counts the watchers: only the latest may write, so a second one ends the first."""

    @rx.event
    async def open(self):
        """Show the chat that the address names, and the answer being written in it."""
        self._begin_anew()
        id_ = as_uuid(self.router.url.path.removeprefix("/chat/").strip("/"))
        events = await self._turn_to(id_)
        self.missing = self.missing or id_ is None
        return [tell("atLatest"), *events]

    @rx.event
    async def again(self):
        """Show the same chat as it is now."""
        return await self._turn_to(as_uuid(self.id))

    async def _turn_to(self, id_: UUID | None) -> list[Any]:
        """Show a chat of theirs, or none."""
        if str(id_ or "") != self.id:
            self._forget()
        self.id, self._run = str(id_ or ""), self._run + 1
        self.missing, self.problem = False, ""
        if id_:
            try:
                self._take_in(await chats_for(self).chat(id_))
            except ApiProblem as refusal:
                self.missing = refusal.problem.status == 404
                self.problem = "" if self.missing else refusal.problem.detail
        self.ready = True
        return [*self._wait_on(), Talk.watch] if id_ and not self.missing else []

    @rx.event
    def look(self):
        """Look again: another tab may have asked something meanwhile."""
        return None if self.busy else Talk.again

    @rx.event
    async def ask(self, form: Any):
        """Say what is in the box; the API decides whether it is answered."""
        return await self._say(fields_of(form))

    async def _say(self, form: dict[str, Any]) -> list[Any] | None:
        text, id_ = text_of(form.get("text")), as_uuid(self.id)
        if not text or id_ is None or self.busy:
            return None
        message = MessageIn(text, edit_of=as_uuid(self.editing))
        try:
            if len(text) > TOO_MUCH:
                raise ApiProblem(Problem("Too long", 400, TOO_LONG, "invalid", ""))
            await chats_for(self).say(id_, message, press=press_of(form))
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        return await self._asked(tell("said"))

    @rx.event
    async def regenerate(self, message_id: str):
        """Have a question answered once more."""
        id_, message = as_uuid(self.id), as_uuid(message_id)
        if id_ is None or message is None:
            return None
        try:
            await chats_for(self).regenerate(id_, message)
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        return await self._asked()

    @rx.event
    async def go_on(self, message_id: str):
        """Have an answer that ended early go on."""
        id_, message = as_uuid(self.id), as_uuid(message_id)
        if id_ is None or message is None:
            return None
        try:
            await chats_for(self).go_on(id_, message)
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        return await self._asked()

    @rx.event
    async def stop(self):
        """Stop the answer, whoever asked for it; what was said of it is kept."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        self.stage = "Stopping…"
        try:
            await chats_for(self).stop_answer(id_)
        except ApiProblem as refusal:
            if refusal.problem.status != 409:
                return rx.toast.error(refusal.problem.detail)
        return Talk.again

    @rx.event
    def edit(self, message_id: str):
        """Put a message back into the box, to be said otherwise."""
        found = next((one for one in self.said if one.id == message_id and one.mine), None)
        self.editing = found.id if found else ""
        return tell("intoBox", found.text if found else "")

    @rx.event
    async def show_branch(self, message_id: str):
        """Show what was said in another branch."""
        return await self._change(ChatChangeIn(branch=as_uuid(message_id)))

    @rx.event(background=True)
    async def watch(self):
        """Follow the answer to its end or until the page closes, through lost connections."""
        async with self:
            self._run += 1
            run, api, id_, busy = self._run, chats_for(self), as_uuid(self.id), self.busy
            before = self._answer_so_far
        if id_ is None:
            return
        answer, misses = Answer(before), 0
        yield _written(answer)
        while busy and misses <= len(RETRIES_S):
            try:
                async with aclosing(self._follow(api, id_, run, answer)) as changes:
                    async for change in changes:
                        yield change
                if not await self._is_watched(run):
                    return
                chat = await api.chat(id_)
                busy = chat.status == "answering"
                if not busy:
                    async with self:
                        if self._run != run:
                            return
                        self._take_in(chat)
                        self.spoken = answer.rest_to_say()
                    yield _written(Answer())
            except (ApiProblem, msgspec.MsgspecError) as lost:
                log.info("The stream of the chat %s was lost: %s", id_, lost)
            if busy:
                misses = 0 if answer.moved() else misses + 1
                await asyncio.sleep(RETRIES_S[min(misses, len(RETRIES_S) - 1)])
        if busy:
            async with self:
                self.busy, self.trouble = False, refused_words(LOST)
            return
        await self._look(api, id_, run)
        if await asked_elsewhere(api, id_, self._turn_id, lambda: self._is_watched(run)):
            yield Talk.again

    async def _follow(
        self, api: ChatsClient, id_: UUID, run: int, answer: Answer
    ) -> AsyncGenerator[Event]:
        """Show the answer as it comes, to its end or until nobody watches any more."""
        stream = api.follow_chat(id_, after=answer.last_id)
        async with aclosing(with_pauses(stream, FLUSH_S)) as events:
            async for event in events:
                if event and answer.take(event):
                    return
                if event is None or answer.due():
                    if not await self._show(run, answer):
                        return
                    if change := _written(answer):
                        yield change

    async def _is_watched(self, run: int) -> bool:
        async with self:
            return self._run == run and await page_is_open(self)

    async def _show(self, run: int, answer: Answer) -> bool:
        """Show all but the words, which go to the browser as they change."""
        async with self:
            if self._run != run or not await page_is_open(self):
                return False
            if said := answer.to_say():
                self.spoken = said
            if self.tools != answer.tools:
                self.tools = list(answer.tools)
            if len(self.sources) != len(answer.sources):
                self.sources = list(answer.sources)
            self.stage, self.meter = answer.stage, answer.meter or self.meter
        return True

    async def _look(self, api: ChatsClient, id_: UUID, run: int) -> None:
        """Show what the next message costs and how many are left."""
        coming = await prospect(api, id_)
        async with self:
            if self._run == run:
                self._expect(coming)

    async def _asked(self, *events: Any):
        self.trouble, self.editing, self.stage = None, "", "Waiting for an overlord…"
        try:
            self._take_in(await chats_for(self).chat(UUID(self.id)))
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        self._run += 1
        return [*events, tell("answered"), tell("atLatest"), Talk.watch]

    async def _change(self, change: ChatChangeIn):
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            self._take_in(await chats_for(self).change_chat(id_, change))
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        return None

    def _forget(self) -> None:
        """What was shown of another chat."""
        self.said, self.ready, self.busy, self.editing = [], False, False, ""
        self.meter, self.prospect, self.trouble = "", Prospect(), None

    def _take_in(self, chat: ChatOut) -> None:
        """Show a chat as the API has it."""
        self.title, self.page_title = chat.title, f"{chat.title} | {NAME}"
        self.model, self.share_url = chat.model, chat.share_url or ""
        self.about_href = f"/f/{chat.factoid_id}" if chat.factoid_id else ""
        self.meter = meter_words(chat.usage) if chat.usage.calls else ""
        writing = [one for one in chat.messages if one.status == "writing"]
        whole = [one for one in chat.messages if one.status != "writing"]
        self.said = [to_said(one, last=one is whole[-1]) for one in whole]
        self.busy = chat.status == "answering"
        self._answer_so_far = writing[-1].text if writing else ""
        self._turn_id = chat.turn_id
        self.tools, self.sources = [], []
        if not self.busy:
            self.stage = ""


def _written(answer: Answer) -> Event | None:
    """What the page does not have yet of an answer; all of it when it is new."""
    change = answer.change()
    return tell("write", *change) if change else None
