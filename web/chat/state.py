"""The state of a chat: its messages, and the answer while it is written."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

import reflex as rx
from reflex.event import Event

from api.schemas.chat_messages import MessageIn
from api.schemas.chats import ChatChangeIn, ChatOut
from api.schemas.problem import Problem
from web.chat.answer import StreamedAnswer
from web.chat.form import ChatForm, NextMessage, read_next_message
from web.chat.updates import wait_for_other_turn
from web.chat.words import (
    MAX_MESSAGE_LENGTH,
    TOO_LONG,
    MessageView,
    SourceView,
    ToolView,
    meter_text,
    to_message_view,
    to_refusal,
)
from web.client.api import ApiProblem
from web.client.chats import ChatsClient
from web.client.stream import Pause, follow
from web.ui.client_store import dispatch
from web.ui.forms import as_uuid, fields_of, idempotency_key_of, text_of
from web.ui.layout import NAME
from web.ui.page_state import LoadedPage, Watcher
from web.ui.streamed_text import FLUSH_S

LOST_STREAM = Problem(
    "Lost sight of it", 503, "The answer goes on, but we lost sight of it.", "unreachable", ""
)

log = logging.getLogger(__name__)


class ChatState(ChatForm, LoadedPage, Watcher, rx.State):
    """The chat that is shown. A worker writes the answer; this state only shows it."""

    id: str = ""
    title: str = ""
    page_title: str = f"Chat | {NAME}"
    about_href: str = ""
    model: str = ""
    share_url: str = ""
    messages: list[MessageView] = []
    busy: bool = False
    stage: str = ""
    tools: list[ToolView] = []
    sources: list[SourceView] = []
    spoken: str = ""
    """The latest complete sentences, for screen readers."""
    meter: str = ""
    editing: str = ""
    """The id of the message that the next one replaces."""
    _answer_so_far: str = ""
    _turn_id: UUID | None = None
    """The latest turn that is shown."""

    @rx.event
    async def load_chat(self):
        """Load the chat in the address, and follow the answer that is being written in it."""
        self._clear_stale_refusal()
        id_ = as_uuid(self.router.url.path.removeprefix("/chat/").strip("/"))
        events = await self._load(id_)
        self.missing = self.missing or id_ is None
        return [dispatch("scrollToLatest"), *events]

    @rx.event
    async def reload(self):
        """Load the same chat again."""
        return await self._load(as_uuid(self.id))

    async def _load(self, id_: UUID | None) -> list[Any]:
        """Load a chat of the visitor, or show none."""
        if str(id_ or "") != self.id:
            self._reset()
        self.id = str(id_ or "")
        self._new_run()
        with self._loading():
            if id_:
                self._show_chat(await ChatsClient.for_visitor(self).chat(id_))
        return [*self._resume_countdown(), ChatState.watch] if id_ and not self.missing else []

    @rx.event
    def refresh(self):
        """Reload the chat unless it is being followed: another tab may have changed it."""
        return None if self.busy else ChatState.reload

    @rx.event
    async def send(self, form: Any):
        """Send the message in the box; the API decides whether it is answered."""
        return await self._send(fields_of(form))

    async def _send(self, form: dict[str, Any]) -> list[Any] | None:
        text, id_ = text_of(form.get("text")), as_uuid(self.id)
        if not text or id_ is None or self.busy:
            return None
        if len(text) > MAX_MESSAGE_LENGTH:
            return await self._refused(TOO_LONG)
        message = MessageIn(text, edit_of=as_uuid(self.editing))
        try:
            await ChatsClient.for_visitor(self).send_message(
                id_, message, key=idempotency_key_of(form)
            )
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        return await self._await_answer(dispatch("clearBox"))

    @rx.event
    async def regenerate(self, message_id: str):
        """Request another answer to the same message."""
        id_, message = as_uuid(self.id), as_uuid(message_id)
        if id_ is None or message is None:
            return None
        try:
            await ChatsClient.for_visitor(self).regenerate(id_, message)
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        return await self._await_answer()

    @rx.event
    async def continue_answer(self, message_id: str):
        """Continue an answer that ended early."""
        id_, message = as_uuid(self.id), as_uuid(message_id)
        if id_ is None or message is None:
            return None
        try:
            await ChatsClient.for_visitor(self).continue_answer(id_, message)
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        return await self._await_answer()

    @rx.event
    async def stop(self):
        """Stop the answer, also one requested in another tab; its text so far is kept."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        self.stage = "Stopping…"
        try:
            await ChatsClient.for_visitor(self).stop_answer(id_)
        except ApiProblem as refusal:
            if refusal.problem.status != 409:
                return rx.toast.error(refusal.problem.detail)
        return ChatState.reload

    @rx.event
    def edit(self, message_id: str):
        """Put a message into the box, to change it and send it again."""
        own = (message for message in self.messages if message.mine)
        found = next((message for message in own if message.id == message_id), None)
        self.editing = found.id if found else ""
        return dispatch("fillBox", found.text if found else "")

    @rx.event
    async def show_branch(self, message_id: str):
        """Show the branch of the chat with this message."""
        return await self._change(ChatChangeIn(branch=as_uuid(message_id)))

    @rx.event(background=True)
    async def watch(self):
        """Follow the answer to its end or until the page closes, then wait for the next turn."""
        async with self:
            run, api = self._new_run(), ChatsClient.for_visitor(self)
            id_, busy = as_uuid(self.id), self.busy
            before = self._answer_so_far
        if id_ is None:
            return
        answer = StreamedAnswer(before)
        yield _patch_event(answer)
        if busy:
            async with aclosing(self._follow_answer(api, id_, run, answer)) as patches:
                async for patch in patches:
                    yield patch
            async with self:
                if not await self._is_current(run):
                    return
                if self.busy:
                    self.busy, self.refusal = False, to_refusal(LOST_STREAM)
                    return
            yield _patch_event(StreamedAnswer())
        next_message = await read_next_message(api, id_)
        async with self:
            if self._run == run:
                self._show_next_message(next_message)
        if await wait_for_other_turn(api, id_, self._turn_id, lambda: self._is_watched(run)):
            yield ChatState.reload

    async def _follow_answer(
        self, api: ChatsClient, id_: UUID, run: int, answer: StreamedAnswer
    ) -> AsyncGenerator[Event]:
        """Show the answer while it is written, and load the chat at its end."""
        following = follow(
            lambda after: api.follow_chat(id_, after=after),
            answer.apply,
            name=f"the chat {id_}",
            idle_s=FLUSH_S,
        )
        async with aclosing(following) as updates:
            async for ended in updates:
                if ended is True or ended is Pause.DISCONNECTED:
                    if not await self._is_watched(run) or await self._show_end(
                        api, id_, run, answer
                    ):
                        return
                elif ended is Pause.IDLE or answer.flush_due():
                    if not await self._show_progress(run, answer):
                        return
                    if patch := _patch_event(answer):
                        yield patch

    async def _show_end(
        self, api: ChatsClient, id_: UUID, run: int, answer: StreamedAnswer
    ) -> bool:
        """Show the whole chat if its answer has ended; False while it is still written."""
        try:
            chat = await api.chat(id_)
        except ApiProblem as problem:
            log.info("The chat %s could not be read: %s", id_, problem)
            return False
        if chat.status == "answering":
            return False
        async with self:
            if self._run == run:
                self._show_chat(chat)
                self.spoken = answer.unspoken_rest()
        return True

    async def _is_watched(self, run: int) -> bool:
        async with self:
            return await self._is_current(run)

    async def _show_progress(self, run: int, answer: StreamedAnswer) -> bool:
        """Show everything but the text, which the browser gets as patches; False if superseded."""
        async with self:
            if not await self._is_current(run):
                return False
            if sentences := answer.unspoken_sentences():
                self.spoken = sentences
            if self.tools != answer.tools:
                self.tools = list(answer.tools)
            if len(self.sources) != len(answer.sources):
                self.sources = list(answer.sources)
            self.stage, self.meter = answer.stage, answer.meter or self.meter
        return True

    async def _await_answer(self, *events: Any):
        """Show the chat with the turn that was just accepted, and follow its answer."""
        self.refusal, self.editing, self.stage = None, "", "Waiting for an overlord…"
        try:
            self._show_chat(await ChatsClient.for_visitor(self).chat(UUID(self.id)))
        except ApiProblem as refusal:
            return await self._refused(refusal.problem)
        self._new_run()
        return [*events, dispatch("answered"), dispatch("scrollToLatest"), ChatState.watch]

    async def _change(self, change: ChatChangeIn):
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            self._show_chat(await ChatsClient.for_visitor(self).change_chat(id_, change))
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        return None

    def _reset(self) -> None:
        """Clear what was shown of the previous chat."""
        self.messages, self.ready, self.busy, self.editing = [], False, False, ""
        self.meter, self.next_message, self.refusal = "", NextMessage(), None

    def _show_chat(self, chat: ChatOut) -> None:
        """Show a chat as the API returned it."""
        self.title, self.page_title = chat.title, f"{chat.title} | {NAME}"
        self.model, self.share_url = chat.model, chat.share_url or ""
        self.about_href = f"/f/{chat.factoid_id}" if chat.factoid_id else ""
        self.meter = meter_text(chat.usage) if chat.usage.calls else ""
        writing = [message for message in chat.messages if message.status == "writing"]
        whole = [message for message in chat.messages if message.status != "writing"]
        self.messages = [to_message_view(message, last=message is whole[-1]) for message in whole]
        self.busy = chat.status == "answering"
        self._answer_so_far = writing[-1].text if writing else ""
        self._turn_id = chat.turn_id
        self.tools, self.sources = [], []
        if not self.busy:
            self.stage = ""


def _patch_event(answer: StreamedAnswer) -> Event | None:
    """The event that sends the next patch of an answer to the browser."""
    patch = answer.next_patch()
    return dispatch("write", *patch) if patch else None
