"""The state of a shared chat's page."""

import reflex as rx

from web.chat.words import MessageView, to_shared_view
from web.client.chats import ChatsClient
from web.ui.format import format_datetime
from web.ui.layout import NAME
from web.ui.page_state import LoadedPage


class SharedChatState(LoadedPage, rx.State):
    """The shared chat of this address."""

    title: str = ""
    page_title: str = NAME
    at: str = ""
    about_href: str = ""
    messages: list[MessageView] = []

    @rx.event
    async def load_shared_chat(self):
        """Load the chat that the token in the address stands for."""
        token = self.router.url.path.removeprefix("/shared/").strip("/")
        valid = token.replace("-", "").replace("_", "").isalnum()
        self.messages = []
        with self._loading():
            if valid:
                chat = await ChatsClient.for_visitor(self).shared_chat(token)
                self.title, self.page_title = chat.title, f"{chat.title} | {NAME}"
                self.at = format_datetime(chat.shared_at)
                self.about_href = f"/f/{chat.factoid_id}" if chat.factoid_id else ""
                numbered = enumerate(chat.messages)
                self.messages = [to_shared_view(message, number) for number, message in numbered]
        self.missing = self.missing or not valid
