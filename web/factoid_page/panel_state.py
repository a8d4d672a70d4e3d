"""The state of the chat panel on a factoid's page: the latest chat about it, or a new one."""

import logging
from typing import Any

import reflex as rx

from api.schemas.chats import ChatIn
from web.chat.form import read_next_message
from web.chat.state import ChatState
from web.client.api import ApiProblem
from web.client.chats import ChatsClient
from web.ui.forms import as_uuid, fields_of, idempotency_key_of, text_of

log = logging.getLogger(__name__)


class FactoidChatState(ChatState):
    """The chat in the panel, which also has a page of its own."""

    chat_href: str = "/chat"
    """The address of the chat's own page."""
    _about: str = ""

    @rx.event
    async def load_panel(self):
        """Show the latest chat about the factoid that the address names."""
        self._clear_stale_refusal()
        return await self._load_panel()

    @rx.event
    async def refresh_panel(self):
        """Reload the panel unless it is being followed: another tab may have changed the chat."""
        return None if self.busy else await self._load_panel()

    async def _load_panel(self) -> list[Any]:
        about = as_uuid(self.router.url.path.removeprefix("/f/").strip("/"))
        latest = None
        if self._about != str(about or ""):
            self._about, self.refusal = str(about or ""), None
        try:
            latest = await ChatsClient.for_visitor(self).latest_chat(about) if about else None
        except ApiProblem as refusal:
            log.info("The chat about a factoid could not be found: %s", refusal)
        events = await self._load(latest)
        self._update_href()
        if not latest:
            self._show_next_message(await read_next_message(ChatsClient.for_visitor(self), None))
            events = self._resume_countdown()
        return events

    @rx.event
    async def send_from_panel(self, form: Any):
        """Send the message in the box; the first one starts the chat."""
        form = fields_of(form)
        about = as_uuid(self._about)
        if not self.id and about and text_of(form.get("text")):
            try:
                chat = await ChatsClient.for_visitor(self).begin_chat(
                    ChatIn(factoid_id=about), idempotency_key_of(form)
                )
            except ApiProblem as refusal:
                return await self._refused(refusal.problem)
            self.id = str(chat.id)
            self._update_href()
        return await self._send(form)

    def _update_href(self) -> None:
        new_chat = f"/chat?about={self._about}" if self._about else "/chat"
        self.chat_href = f"/chat/{self.id}" if self.id else new_chat
