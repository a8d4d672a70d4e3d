"""Asking about a factoid beside it: the visitor's latest chat about it, or a new one."""

import logging
from typing import Any

import reflex as rx

from api.schemas.chats import ChatIn
from web.chat.form import prospect
from web.chat.state import Talk
from web.client.api import ApiProblem
from web.client.chats import chats_for
from web.factoid.votes import as_uuid
from web.ui.forms import fields_of, press_of, text_of

log = logging.getLogger(__name__)


class Aside(Talk):
    """The panel on a factoid's page. What it shows is the talk that has a page of its own."""

    whole_href: str = "/chat"
    """The page for it."""
    _about: str = ""

    @rx.event
    async def find(self):
        """Show what was last said about the factoid that the address names."""
        self._begin_anew()
        return await self._find()

    @rx.event
    async def look_beside(self):
        """Look again: another tab may have asked something meanwhile."""
        return None if self.busy else await self._find()

    async def _find(self) -> list[Any]:
        about, found = as_uuid(self.router.url.path.removeprefix("/f/").strip("/")), None
        if self._about != str(about or ""):
            self._about, self.trouble = str(about or ""), None
        try:
            found = await chats_for(self).latest_chat(about) if about else None
        except ApiProblem as refusal:
            log.info("What was said about a factoid cannot be found: %s", refusal)
        events = await self._turn_to(found)
        self._point()
        if not found:
            self._expect(await prospect(chats_for(self), None))
            events = self._wait_on()
        return events

    @rx.event
    async def ask_beside(self, form: Any):
        """Say what is in the box; the first message begins the chat."""
        form = fields_of(form)
        about = as_uuid(self._about)
        if not self.id and about and text_of(form.get("text")):
            try:
                begun = await chats_for(self).begin_chat(ChatIn(factoid_id=about), press_of(form))
            except ApiProblem as refusal:
                return await self._refused(refusal.problem)
            self.id = str(begun.id)
            self._point()
        return await self._say(form)

    def _point(self) -> None:
        new = f"/chat?about={self._about}" if self._about else "/chat"
        self.whole_href = f"/chat/{self.id}" if self.id else new
