"""The client's methods for chats."""

from collections.abc import AsyncGenerator
from uuid import UUID

from httpx_sse import ServerSentEvent

from api.schemas.chat_messages import MessageIn, TurnOut
from api.schemas.chats import (
    ChatChangeIn,
    ChatIn,
    ChatOut,
    ChatQuoteOut,
    ChatsOut,
    SharedChatOut,
    ShareOut,
)
from web.client.payments import PaymentsClient


class ChatsClient(PaymentsClient):
    """Calls the API for a visitor's chats, and for the payments that extend them."""

    async def chats(self, cursor: str = "") -> ChatsOut:
        return await self._get("/api/chats", ChatsOut, {"cursor": cursor} if cursor else None)

    async def latest_chat(self, about: UUID) -> UUID | None:
        """The most recently used chat about a factoid."""
        parameters = {"factoid_id": str(about), "limit": 1}
        chats = (await self._get("/api/chats", ChatsOut, parameters)).items
        return chats[0].id if chats else None

    async def begin_chat(self, request: ChatIn, key: str = "") -> ChatOut:
        """Start a chat; the same idempotency key again returns the first chat."""
        return await self._call("POST", "/api/chats", ChatOut, body=request, key=key)

    async def chat(self, chat_id: UUID) -> ChatOut:
        return await self._get(f"/api/chats/{chat_id}", ChatOut)

    async def change_chat(self, chat_id: UUID, change: ChatChangeIn) -> ChatOut:
        return await self._call("PATCH", f"/api/chats/{chat_id}", ChatOut, body=change)

    async def delete_chat(self, chat_id: UUID) -> None:
        await self._call("DELETE", f"/api/chats/{chat_id}", None)

    async def first_quote(self, model: str = "") -> ChatQuoteOut:
        """The price of a new chat's first message; without `model` the API chooses the model."""
        params = {"model": model} if model else None
        return await self._get("/api/chats/quote", ChatQuoteOut, params)

    async def chat_quote(self, chat_id: UUID) -> ChatQuoteOut:
        return await self._get(f"/api/chats/{chat_id}/quote", ChatQuoteOut)

    async def send_message(self, chat_id: UUID, message: MessageIn, key: str = "") -> TurnOut:
        """Send a message; with the same idempotency key again it is sent only once."""
        path = f"/api/chats/{chat_id}/messages"
        return await self._call("POST", path, TurnOut, body=message, key=key)

    async def regenerate(self, chat_id: UUID, message_id: UUID) -> TurnOut:
        path = f"/api/chats/{chat_id}/messages/{message_id}/regenerate"
        return await self._call("POST", path, TurnOut)

    async def continue_answer(self, chat_id: UUID, message_id: UUID) -> TurnOut:
        path = f"/api/chats/{chat_id}/messages/{message_id}/continue"
        return await self._call("POST", path, TurnOut)

    async def stop_answer(self, chat_id: UUID) -> TurnOut:
        return await self._call("DELETE", f"/api/chats/{chat_id}/turns/current", TurnOut)

    def follow_chat(self, chat_id: UUID, after: str = "") -> AsyncGenerator[ServerSentEvent]:
        """The events of the last answer after the one with id `after`."""
        return self._stream(f"/api/chats/{chat_id}/stream", after)

    def follow_turns(self, chat_id: UUID) -> AsyncGenerator[ServerSentEvent]:
        """The latest turn of a chat and every further one; the stream does not end."""
        return self._stream(f"/api/chats/{chat_id}/live")

    async def share_chat(self, chat_id: UUID) -> ShareOut:
        return await self._call("POST", f"/api/chats/{chat_id}/share", ShareOut)

    async def unshare_chat(self, chat_id: UUID) -> None:
        await self._call("DELETE", f"/api/chats/{chat_id}/share", None)

    async def shared_chat(self, token: str) -> SharedChatOut:
        return await self._get(f"/api/shared/{token}", SharedChatOut)
