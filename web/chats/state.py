"""The visitor's chats, and how a new one begins."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import reflex as rx

from api.schemas.chats import ChatIn, ChatSummaryOut, MessageIn
from api.schemas.problem import Problem
from web.chat.form import ChatAsking, prospect
from web.chat.words import TOO_LONG, TOO_MUCH, dollars, refused_words
from web.client.api import ApiProblem
from web.client.chats import chats_for
from web.factoid.card import exact
from web.factoid.votes import as_uuid
from web.ui.client_store import tell
from web.ui.forms import fields_of, press_of, text_of

SUGGESTIONS = (
    "What is the strangest fact you know?",
    "Tell me something odd about octopuses.",
    "Which of your facts should I doubt most?",
)
ABOUT_ONE = (
    "Is this really true?",
    "Why is that so?",
    "Tell me something related.",
)


@dataclass
class ChatRow:
    """A chat as the list shows it."""

    href: str
    title: str
    at: str
    at_words: str
    cost: str
    answering: bool
    about_one: bool


class ChatList(ChatAsking, rx.State):
    """The page on which chats are found and begun."""

    ready: bool = False
    problem: str = ""
    rows: list[ChatRow] = []
    cursor: str = ""
    about: str = ""
    """The text of the factoid a new chat would be about."""
    about_id: str = ""
    suggestions: list[str] = list(SUGGESTIONS)
    models: list[tuple[str, str]] = []
    busy: bool = False
    _model: str = ""
    _begun: tuple[ChatIn, UUID] | None = None
    """A chat whose first message was refused: the next try begins no other one."""

    @rx.event
    async def open(self):
        """Show the chats there are, and what a new one would be about."""
        api = chats_for(self)
        asked = parse_qs(urlsplit(str(self.router.url)).query).get("about", [""])[-1]
        about = as_uuid(asked)
        self._begin_anew()
        self.about, self.about_id, self.problem = "", "", ""
        self.busy, self._model = False, ""
        try:
            if about:
                self.about, self.about_id = (await api.factoid(about)).text, str(about)
            self.models = [(one.id, one.name) for one in (await api.models()).items if one.chats]
        except ApiProblem as refusal:
            if about and not self.about:
                self.trouble = refused_words(refusal.problem)
        self.suggestions = list(ABOUT_ONE if self.about_id else SUGGESTIONS)
        try:
            page = await api.chats()
            self.rows, self.cursor = [to_row(one) for one in page.items], page.next_cursor or ""
        except ApiProblem as refusal:
            self.problem = refusal.problem.detail
        self._expect(await prospect(api, None))
        self.ready = True
        return self._wait_on()

    @rx.event
    async def choose(self, model: Any):
        """Show what asking this model costs."""
        self._model = text_of(model)
        self._expect(await prospect(chats_for(self), None, self._model))

    @rx.event
    async def look(self):
        """Look again: the waiting may be over."""
        self._expect(await prospect(chats_for(self), None, self._model))
        return self._wait_on()

    @rx.event
    async def more(self):
        """Show older ones."""
        try:
            page = await chats_for(self).chats(self.cursor)
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        self.rows += [to_row(one) for one in page.items]
        self.cursor = page.next_cursor or ""
        return None

    @rx.event
    async def begin(self, form: Any):
        """Begin a chat with what is in the box."""
        form = fields_of(form)
        text, model = text_of(form.get("text")), text_of(form.get("model"))
        if not text or self.busy:
            return
        if len(text) > TOO_MUCH:
            self.trouble = refused_words(Problem("Too long", 400, TOO_LONG, "invalid", ""))
            return
        self.busy, self.trouble = True, None
        yield
        api, press = chats_for(self), press_of(form)
        wish = ChatIn(factoid_id=as_uuid(self.about_id), model=model or None)
        try:
            if self._begun is None or self._begun[0] != wish:
                self._begun = (wish, (await api.begin_chat(wish, press)).id)
            chat_id = self._begun[1]
            await api.say(chat_id, MessageIn(text), press)
        except ApiProblem as refusal:
            self.busy = False
            if refusal.problem.status == 404:
                self._begun = None
            for event in await self._refused(refusal.problem):
                yield event
            return
        self.busy, self._begun = False, None
        yield tell("answered")
        yield tell("said")
        yield rx.redirect(f"/chat/{chat_id}")

    def _place(self) -> str:
        return f"/chat?about={self.about_id}" if self.about_id else "/chat"


def to_row(chat: ChatSummaryOut) -> ChatRow:
    return ChatRow(
        href=f"/chat/{chat.id}",
        title=chat.title,
        at=chat.updated_at.isoformat(),
        at_words=exact(chat.updated_at.astimezone(UTC)),
        cost=dollars(chat.cost_usd),
        answering=chat.status == "answering",
        about_one=chat.factoid_id is not None,
    )
