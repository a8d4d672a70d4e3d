"""What is done with a whole chat: renamed, shared, deleted."""

from typing import Any

import reflex as rx

from api.schemas.chats import ChatChangeIn
from web.chat.state import Talk
from web.client.api import ApiProblem
from web.client.chats import chats_for
from web.factoid.votes import as_uuid
from web.ui.forms import fields_of, text_of


class ChatMenu(Talk):
    """The menu of the chat that is shown."""

    @rx.event
    async def rename(self, form: Any):
        """Give the chat another name."""
        return await self._change(ChatChangeIn(title=text_of(fields_of(form).get("title"))))

    @rx.event
    async def share(self):
        """Make the link by which anybody can read it as it is now."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            self.share_url = (await chats_for(self).share_chat(id_)).url
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        return rx.toast.success("Whoever has the link can read it as it is now.")

    @rx.event
    async def unshare(self):
        """Make the link lead nowhere."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            await chats_for(self).unshare_chat(id_)
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        self.share_url = ""
        return rx.toast.success("The link leads nowhere now.")

    @rx.event
    async def delete(self):
        """Delete all that was said."""
        if (id_ := as_uuid(self.id)) is None:
            return None
        try:
            await chats_for(self).delete_chat(id_)
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        return [rx.toast.success("Deleted."), rx.redirect("/chat")]
