"""The state of the list of chats, and of the box that starts a new one."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import reflex as rx

from api.schemas.chat_messages import MessageIn
from api.schemas.chats import ChatIn, ChatSummaryOut
from web.chat.form import ChatForm, read_next_message
from web.chat.words import (
    FACTOID_SUGGESTIONS,
    MAX_MESSAGE_LENGTH,
    SUGGESTIONS,
    TOO_LONG,
    to_refusal,
)
from web.client.api import ApiProblem
from web.client.chats import ChatsClient
from web.ui.client_store import dispatch
from web.ui.format import format_datetime, format_usd
from web.ui.forms import as_uuid, fields_of, idempotency_key_of, text_of
from web.ui.page_state import LoadedPage


@dataclass
class ChatRow:
    """A chat as the list shows it."""

    href: str
    title: str
    at: str
    at_text: str
    cost: str
    answering: bool
    is_about_factoid: bool


class ChatsState(ChatForm, LoadedPage, rx.State):
    """The page that lists the chats and starts a new one."""

    rows: list[ChatRow] = []
    cursor: str = ""
    about: str = ""
    """The text of the factoid that a new chat would be about."""
    about_id: str = ""
    suggestions: list[str] = list(SUGGESTIONS)
    models: list[tuple[str, str]] = []
    busy: bool = False
    _model: str = ""
    _started: tuple[ChatIn, UUID] | None = None
    """A chat whose first message was refused; the next attempt uses it again."""

    @rx.event
    async def load_chats(self):
        """Load the visitor's chats, and the factoid that a new one would be about."""
        api = ChatsClient.for_visitor(self)
        named = parse_qs(urlsplit(str(self.router.url)).query).get("about", [""])[-1]
        about = as_uuid(named)
        self._clear_stale_refusal()
        self.about, self.about_id = "", ""
        self.busy, self._model = False, ""
        try:
            if about:
                self.about, self.about_id = (await api.factoid(about)).text, str(about)
            models = (await api.models()).items
            self.models = [(model.id, model.name) for model in models if model.chats]
        except ApiProblem as refusal:
            if about and not self.about:
                self.refusal = to_refusal(refusal.problem)
        self.suggestions = list(FACTOID_SUGGESTIONS if self.about_id else SUGGESTIONS)
        with self._loading():
            page = await api.chats()
            self.rows, self.cursor = [to_row(chat) for chat in page.items], page.next_cursor or ""
        self._show_next_message(await read_next_message(api, None))
        return self._resume_countdown()

    @rx.event
    async def choose_model(self, model: Any):
        """Show the price of a message to this model."""
        self._model = text_of(model)
        await self._refresh()

    @rx.event
    async def refresh(self):
        """Show the current price of a message; a wait may have ended."""
        await self._refresh()
        return self._resume_countdown()

    async def _refresh(self) -> None:
        api = ChatsClient.for_visitor(self)
        self._show_next_message(await read_next_message(api, None, self._model))

    @rx.event
    async def load_more(self):
        """Show older chats."""
        try:
            page = await ChatsClient.for_visitor(self).chats(self.cursor)
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        self.rows += [to_row(chat) for chat in page.items]
        self.cursor = page.next_cursor or ""
        return None

    @rx.event
    async def start_chat(self, form: Any):
        """Start a chat with the message in the box."""
        form = fields_of(form)
        text, model = text_of(form.get("text")), text_of(form.get("model"))
        if not text or self.busy:
            return
        if len(text) > MAX_MESSAGE_LENGTH:
            self.refusal = to_refusal(TOO_LONG)
            return
        self.busy, self.refusal = True, None
        yield
        api, key = ChatsClient.for_visitor(self), idempotency_key_of(form)
        request = ChatIn(factoid_id=as_uuid(self.about_id), model=model or None)
        try:
            if self._started is None or self._started[0] != request:
                self._started = (request, (await api.begin_chat(request, key)).id)
            chat_id = self._started[1]
            await api.send_message(chat_id, MessageIn(text), key)
        except ApiProblem as refusal:
            self.busy = False
            if refusal.problem.status == 404:
                self._started = None
            for event in await self._refused(refusal.problem):
                yield event
            return
        self.busy, self._started = False, None
        yield dispatch("answered")
        yield dispatch("clearBox")
        yield rx.redirect(f"/chat/{chat_id}")

    def _return_path(self) -> str:
        return f"/chat?about={self.about_id}" if self.about_id else "/chat"


def to_row(chat: ChatSummaryOut) -> ChatRow:
    return ChatRow(
        href=f"/chat/{chat.id}",
        title=chat.title,
        at=chat.updated_at.isoformat(),
        at_text=format_datetime(chat.updated_at),
        cost=format_usd(chat.cost_usd),
        answering=chat.status == "answering",
        is_about_factoid=chat.factoid_id is not None,
    )
