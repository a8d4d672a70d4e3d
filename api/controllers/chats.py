"""Chats: begin, list, change, share and export them; say something and watch the answer."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from api import sse
from api.bearer import SCOPE
from api.chats import (
    chat_out,
    chats_out,
    message_out,
    quote_out,
    share_out,
    shared_out,
    turn_out,
)
from api.controllers.generation import LastEventId
from api.export import markdown
from api.idempotency import IDEMPOTENT
from api.schemas.chats import (
    ChatChangeIn,
    ChatIn,
    ChatOut,
    ChatProblem,
    ChatQuoteOut,
    ChatsOut,
    MessageIn,
    SharedChatOut,
    ShareOut,
    TurnOut,
)
from domain.caller import Caller
from domain.chat.progress import TurnReader
from domain.chat.quotes import ChatQuotes
from domain.chat.sessions import ChatMessageNotFound, ChatNotFound, Chats
from domain.chat.tree import siblings
from domain.chat.turns import Asked, ChatTurns
from domain.event_log import LoggedEvent
from domain.idempotency import Attempt

CHAT = {SCOPE: "chat"}
CHANGES = CHAT | {IDEMPOTENT: True, "refusals": [402]}

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many.")]
Cursor = Annotated[str | None, QueryParameter(max_length=500, description="From `next_cursor`.")]
Format = Annotated[Literal["md", "json"], QueryParameter(description="Markdown or JSON.")]


class ChatController(Controller):
    path = "/api/chats"
    tags = ("Chats",)

    @post(operation_id="BeginChat", opt=CHAT | {IDEMPOTENT: True})
    async def begin(
        self,
        data: JSONBody[ChatIn],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        attempt: NamedDependency[Attempt],
    ) -> Response[ChatOut]:
        """Begin a chat about one factoid or about all of them; nothing is asked or paid yet."""
        chat = await chats.create(
            caller,
            factoid_id=data.factoid_id,
            model=data.model,
            title=data.title,
            attempt=attempt,
        )
        headers = {"Location": f"/api/chats/{chat.session.id}"}
        return Response(chat_out(chat), status_code=201, headers=headers)

    @get(operation_id="ListChats", opt=CHAT)
    async def list(
        self,
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> ChatsOut:
        """Your own chats, the last used first."""
        return chats_out(await chats.newest(caller, limit, cursor))

    @get("/{chat_id:uuid}", operation_id="GetChat", opt=CHAT)
    async def one(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> ChatOut:
        """A chat of yours with the messages of the branch that is shown."""
        return chat_out(await chats.get(caller, chat_id))

    @patch("/{chat_id:uuid}", operation_id="ChangeChat", opt=CHAT)
    async def change(
        self,
        chat_id: FromPath[UUID],
        data: JSONBody[ChatChangeIn],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> ChatOut:
        """Rename a chat, choose its model before the first message, or show another branch."""
        return chat_out(
            await chats.change(
                caller, chat_id, title=data.title, model=data.model, branch_of=data.branch
            )
        )

    @delete("/{chat_id:uuid}", operation_id="DeleteChat", opt=CHAT)
    async def remove(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> None:
        """Delete all that was said in a chat; an answer under way is stopped."""
        await chats.delete(caller, chat_id)

    @get("/{chat_id:uuid}/quote", operation_id="QuoteChat", opt=CHAT)
    async def quote(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chat_quotes: NamedDependency[ChatQuotes],
    ) -> ChatQuoteOut:
        """What the next message would cost at most, and how many you have left."""
        return quote_out(await chat_quotes.quote(caller, chat_id))

    @get(
        "/{chat_id:uuid}/export",
        operation_id="ExportChat",
        opt=CHAT,
        responses={200: ResponseSpec(ChatOut, description="The chat; with `md`, Markdown.")},
    )
    async def export(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        format: Format = "json",
    ) -> Response[Any]:
        """The branch that is shown as a file, with its sources."""
        chat = chat_out(await chats.get(caller, chat_id))
        attached = {"Content-Disposition": f'attachment; filename="chat-{chat_id}.{format}"'}
        if format == "json":
            return Response(chat, headers=attached)
        kind = "text/markdown"
        return Response(markdown(chat), media_type=kind, headers=attached)

    @post("/{chat_id:uuid}/share", operation_id="ShareChat", status_code=200, opt=CHAT)
    async def share(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> ShareOut:
        """Let whoever has the link read the branch that is shown, as it is now."""
        return share_out((await chats.share(caller, chat_id)).session)

    @delete("/{chat_id:uuid}/share", operation_id="UnshareChat", opt=CHAT)
    async def unshare(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> None:
        """Make the link lead nowhere."""
        await chats.unshare(caller, chat_id)


class ChatTurnController(Controller):
    path = "/api/chats/{chat_id:uuid}"
    tags = ("Chats",)

    @post("/messages", operation_id="SendMessage", status_code=202, opt=CHANGES)
    async def send(
        self,
        chat_id: FromPath[UUID],
        data: JSONBody[MessageIn],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
        attempt: NamedDependency[Attempt],
    ) -> Response[TurnOut]:
        """Say something; follow `stream_url` to watch the answer being written.

        One answer is written at a time: meanwhile this is refused with 409. Send an
        `Idempotency-Key` so that a double click or a retry says it once, not twice.
        """
        asked = await turns.send(caller, chat_id, data.text, edit_of=data.edit_of, attempt=attempt)
        return _accepted(asked)

    @post(
        "/messages/{message_id:uuid}/regenerate",
        operation_id="RegenerateMessage",
        status_code=202,
        opt=CHANGES,
    )
    async def regenerate(
        self,
        chat_id: FromPath[UUID],
        message_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
        attempt: NamedDependency[Attempt],
    ) -> Response[TurnOut]:
        """Have the question of an answer answered once more, in a branch beside it."""
        return _accepted(await turns.regenerate(caller, chat_id, message_id, attempt))

    @post(
        "/messages/{message_id:uuid}/continue",
        operation_id="ContinueMessage",
        status_code=202,
        opt=CHANGES,
    )
    async def go_on(
        self,
        chat_id: FromPath[UUID],
        message_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
        attempt: NamedDependency[Attempt],
    ) -> Response[TurnOut]:
        """Have an answer that was stopped, interrupted or failed go on where it ended."""
        return _accepted(await turns.go_on(caller, chat_id, message_id, attempt))

    @delete(
        "/turns/current",
        operation_id="StopAnswer",
        status_code=200,
        opt=CHAT | {"refusals": [409]},
    )
    async def stop(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
    ) -> TurnOut:
        """Stop the answer being written, from wherever; what was said of it is kept."""
        return turn_out(await turns.stop(caller, chat_id))

    @get(
        "/stream",
        operation_id="FollowChat",
        opt=CHAT,
        media_type=sse.MEDIA_TYPE,
        responses={204: ResponseSpec(None, description="There is nothing more to see.")},
    )
    async def follow(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        turn_events: NamedDependency[TurnReader],
        last_event_id: LastEventId = None,
    ) -> Response[Any]:
        """Watch the last answer being written, as server-sent events with ids.

        `status` says how far it is, `token` carries the next piece and where it belongs,
        `tool_call` and `tool_result` what is looked up, `usage` what it costs so far; `message`
        with the whole answer, or `error`, ends it. Send the last id seen as `Last-Event-ID` to go
        on after it.
        """
        turn = (await chats.get(caller, chat_id)).last_turn
        if turn is None or await turn_events.is_over(turn.id, last_event_id):
            return Response(None, status_code=204)
        return sse.stream(_events(turn_events, chats, caller, chat_id, turn.id, last_event_id))


@get("/api/shared/{token:str}", operation_id="ReadShared", tags=["Chats"])
async def read_shared(token: FromPath[str], chats: NamedDependency[Chats]) -> SharedChatOut:
    """A chat somebody has shared, as it was then."""
    return shared_out(await chats.shared(token))


def _accepted(asked: Asked) -> Response[TurnOut]:
    return Response(
        turn_out(asked),
        status_code=202,
        headers={"Location": f"/api/chats/{asked.chat.session.id}"},
    )


async def _events(
    following: TurnReader,
    chats: Chats,
    caller: Caller,
    chat_id: UUID,
    turn_id: UUID,
    after: str | None,
) -> AsyncGenerator[bytes]:
    yield sse.OPENING
    loop = asyncio.get_running_loop()
    spoke_at = loop.time()
    async with aclosing(following.follow(turn_id, after)) as events:
        async for event in events:
            if event is not None:
                yield await _told(event, chats, caller, chat_id, turn_id)
                spoke_at = loop.time()
            elif loop.time() - spoke_at >= sse.PING_EVERY_S:
                yield sse.PING
                spoke_at = loop.time()


async def _told(
    event: LoggedEvent, chats: Chats, caller: Caller, chat_id: UUID, turn_id: UUID
) -> bytes:
    """An event; the last one with what Postgres has of the answer."""
    if event.name not in {"message", "error"}:
        return sse.event(event.name, event.data, event.id)
    gone = ChatProblem("gone", "This chat is gone.")
    try:
        chat = await chats.get(caller, chat_id)
        turn = next(one for one in chat.turns if one.id == turn_id)
        answer = chat.message(turn.answer_id)
    except (ChatNotFound, ChatMessageNotFound, StopIteration):
        return sse.event("error", gone, event.id)
    out = message_out(answer, chat, siblings(chat.messages)[answer.id])
    if event.name == "error":
        return sse.event("error", out.problem or gone, event.id)
    return sse.event("message", out, event.id)
