"""Endpoints to begin, list, change, share and export chats."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from api.chat_markdown import chat_markdown
from api.guards import requires_scope
from api.mappers.chats import (
    chat_out,
    chat_quote_out,
    chats_out,
    share_out,
    shared_out,
)
from api.middleware.idempotency import IDEMPOTENT
from api.parameters import UUID_PATTERN
from api.schemas.chats import (
    ChatChangeIn,
    ChatIn,
    ChatOut,
    ChatQuoteOut,
    ChatsOut,
    SharedChatOut,
    ShareOut,
)
from domain.caller import Caller
from domain.chat.quotes import ChatQuotes
from domain.chat.sessions import Chats
from domain.idempotency import Attempt
from settings import Settings

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="How many.")]
Cursor = Annotated[str | None, QueryParameter(max_length=500, description="From `next_cursor`.")]
About = Annotated[
    str | None,
    QueryParameter(
        pattern=f"^{UUID_PATTERN}$", description="The id of the factoid they are about."
    ),
]
"""A string, since Litestar would parse the text "null" as None."""
Model = Annotated[
    str | None, QueryParameter(max_length=200, description="An id from `GET /api/models`.")
]
Format = Annotated[Literal["md", "json"], QueryParameter(description="Markdown or JSON.")]


class ChatController(Controller):
    path = "/api/chats"
    tags = ("Chats",)
    guards = (requires_scope("chat"),)

    @post(operation_id="BeginChat", opt={IDEMPOTENT: True})
    async def begin(
        self,
        data: JSONBody[ChatIn],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        attempt: NamedDependency[Attempt],
        settings: NamedDependency[Settings],
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
        return Response(chat_out(chat, settings), status_code=201, headers=headers)

    @get(operation_id="ListChats")
    async def list(
        self,
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        limit: Limit = 50,
        cursor: Cursor = None,
        factoid_id: About = None,
    ) -> ChatsOut:
        """Your own chats, or only those about one factoid; the last used first."""
        # The pattern's `$` also matches before a line break at the end.
        about = UUID(factoid_id.strip()) if factoid_id else None
        return chats_out(await chats.newest(caller, limit, cursor, about))

    @get("/quote", operation_id="QuoteNewChat")
    async def quote_first(
        self,
        caller: NamedDependency[Caller],
        chat_quotes: NamedDependency[ChatQuotes],
        model: Model = None,
    ) -> ChatQuoteOut:
        """What the first message of a new chat would cost at most, and how many you have left."""
        return chat_quote_out(await chat_quotes.quote_first(caller, model))

    @get("/{chat_id:uuid}", operation_id="GetChat")
    async def show(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        settings: NamedDependency[Settings],
    ) -> ChatOut:
        """A chat of yours with the messages of the branch that is shown."""
        return chat_out(await chats.get(caller, chat_id), settings)

    @patch("/{chat_id:uuid}", operation_id="ChangeChat")
    async def change(
        self,
        chat_id: FromPath[UUID],
        data: JSONBody[ChatChangeIn],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        settings: NamedDependency[Settings],
    ) -> ChatOut:
        """Rename a chat, choose its model before the first message, or show another branch."""
        chat = await chats.change(
            caller, chat_id, title=data.title, model=data.model, branch_of=data.branch
        )
        return chat_out(chat, settings)

    @delete("/{chat_id:uuid}", operation_id="DeleteChat")
    async def remove(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> None:
        """Delete all that was said in a chat; an answer under way is stopped."""
        await chats.delete(caller, chat_id)

    @get("/{chat_id:uuid}/quote", operation_id="QuoteChat")
    async def quote(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chat_quotes: NamedDependency[ChatQuotes],
    ) -> ChatQuoteOut:
        """What the next message would cost at most, and how many you have left."""
        return chat_quote_out(await chat_quotes.quote(caller, chat_id))

    @get(
        "/{chat_id:uuid}/export",
        operation_id="ExportChat",
        responses={200: ResponseSpec(ChatOut, description="The chat; with `md`, Markdown.")},
        opt={"examples": {"text/markdown": chat_markdown(ChatOut.example())}},
    )
    async def export(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        settings: NamedDependency[Settings],
        format: Format = "json",
    ) -> Response[Any]:
        """The branch that is shown as a file, with its sources."""
        chat = chat_out(await chats.get(caller, chat_id), settings)
        headers = {"Content-Disposition": f'attachment; filename="chat-{chat_id}.{format}"'}
        if format == "json":
            return Response(chat, headers=headers)
        return Response(chat_markdown(chat), media_type="text/markdown", headers=headers)

    @post("/{chat_id:uuid}/share", operation_id="ShareChat", status_code=200)
    async def share(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        settings: NamedDependency[Settings],
    ) -> ShareOut:
        """Let whoever has the link read the branch that is shown, as it is now."""
        return share_out((await chats.share(caller, chat_id)).session, settings.site_url)

    @delete("/{chat_id:uuid}/share", operation_id="UnshareChat")
    async def unshare(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
    ) -> None:
        """Make the link lead nowhere."""
        await chats.unshare(caller, chat_id)


class SharedChatController(Controller):
    path = "/api/shared"
    tags = ("Chats",)
    guards = (requires_scope("read"),)

    @get("/{token:str}", operation_id="ReadShared")
    async def read(self, token: FromPath[str], chats: NamedDependency[Chats]) -> SharedChatOut:
        """A chat somebody has shared, as it was then."""
        return shared_out(await chats.shared(token))
