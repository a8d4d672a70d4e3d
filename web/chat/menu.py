"""The state of a chat's menu: renaming, sharing and deleting the chat."""

from typing import Any

import reflex as rx

from api.schemas.chats import ChatChangeIn
from web.chat.state import ChatState
from web.client.api import ApiProblem
from web.client.chats import ChatsClient
from web.ui.forms import as_uuid, fields_of, text_of


class ChatMenuState(ChatState):
    """The menu of the chat that is shown."""

    @rx.event
    async def rename(self, form: Any):
        """Rename the chat."""
        return await self._change(ChatChangeIn(title=text_of(fields_of(form).get("title"))))

    @rx.event
    async def share(self):
        """Create a link with which anyone can read the chat as it is now."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            self.share_url = (await ChatsClient.for_visitor(self).share_chat(id_)).url
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        return rx.toast.success("Whoever has the link can read it as it is now.")

    @rx.event
    async def unshare(self):
        """Revoke the link."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            await ChatsClient.for_visitor(self).unshare_chat(id_)
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        self.share_url = ""
        return rx.toast.success("The link leads nowhere now.")

    @rx.event
    async def delete(self):
        """Delete the chat with all its messages."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            await ChatsClient.for_visitor(self).delete_chat(id_)
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        return [rx.toast.success("Deleted."), rx.redirect("/chat")]
