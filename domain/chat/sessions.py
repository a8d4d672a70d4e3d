"""Chats as their owners see them."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import ChatCall, ChatMessage, ChatSession, ChatTurn, LanguageModel
from db.repositories.chats import ChatRepository, ChatTurnRepository
from db.repositories.factoids import FactoidCard
from db.repositories.idempotency import IdempotencyRepository
from domain.caller import Caller
from domain.chat.history import branch, newest_leaf
from domain.chat.input import read_title
from domain.chat.prompt import PROMPT_VERSION
from domain.cursor import Cursors
from domain.errors import Conflict, Invalid, NotFound
from domain.factoids.service import FactoidNotFound, FactoidService
from domain.idempotency import Attempt
from domain.llm.catalogue import CatalogueService, UnknownModel

TOOLS = "tools"
"""The parameter a model must list to answer in a chat."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ChatNotFound(NotFound):
    code = "chat_not_found"


class ChatMessageNotFound(NotFound):
    code = "message_not_found"


class ModelFixed(Conflict):
    code = "model_fixed"


@dataclass
class Chat:
    """A chat with all its branches, turns and calls."""

    session: ChatSession
    messages: list[ChatMessage]
    turns: list[ChatTurn]
    calls: list[ChatCall]

    @property
    def shown(self) -> list[ChatMessage]:
        return branch(self.messages, self.session.leaf_id)

    @property
    def answering(self) -> bool:
        return any(turn.is_open for turn in self.turns)

    @property
    def last_turn(self) -> ChatTurn | None:
        return self.turns[-1] if self.turns else None

    def shares(self, message: ChatMessage) -> bool:
        """Whether the link of the chat shows it."""
        return message in branch(self.messages, self.session.shared_leaf_id)

    def message(self, message_id: UUID) -> ChatMessage:
        """Raises: ChatMessageNotFound: There is none in this chat."""
        for message in self.messages:
            if message.id == message_id:
                return message
        raise ChatMessageNotFound("There is no such message in this chat.")


@dataclass(frozen=True)
class ChatPage:
    items: Sequence[tuple[ChatSession, bool]]
    """Each with whether an answer is being written."""
    next_cursor: str | None


@dataclass(frozen=True)
class SharedChat:
    session: ChatSession
    messages: list[ChatMessage]


class Chats:
    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        catalogue: CatalogueService,
        factoids: FactoidService,
        cursors: Cursors,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._factoids = factoids
        self._cursors = cursors

    async def create(
        self,
        caller: Caller,
        *,
        factoid_id: UUID | None,
        model: str | None,
        title: str | None,
        attempt: Attempt,
    ) -> Chat:
        """Begin a chat about one factoid or about all; a repeated `attempt` gets the first chat.

        Raises:
            Invalid: The title is too long, or there is no such factoid.
            UnknownModel, NoModels: See `CatalogueService.choose`.
        """
        if not attempt.first and (existing := await self._find(caller, attempt.result_id)):
            return existing
        if factoid_id:
            try:
                await self._factoids.get_factoid(factoid_id, None)
            except FactoidNotFound as gone:
                raise Invalid(gone.detail, field="/factoid_id") from None
        chosen = await self._catalogue.choose(model, needs=TOOLS)
        now = datetime.now(UTC)
        chat = ChatSession(
            id=attempt.result_id,
            owner_id=caller.id,
            factoid_id=factoid_id,
            title=read_title(title),
            model=chosen.id,
            model_pinned=model is not None,
            prompt_version=PROMPT_VERSION,
            updated_at=now,
            created_at=now,
        )
        async with self._sessions.begin() as session:
            await ChatRepository(session).add(chat)
        return await self.get(caller, attempt.result_id)

    async def get(self, caller: Caller, chat_id: UUID) -> Chat:
        """Raises: ChatNotFound: There is none, or it is another owner's."""
        if chat := await self._find(caller, chat_id):
            return chat
        raise gone()

    async def model_of(self, chat: Chat) -> LanguageModel:
        """The chat's model, or another one where it is gone and its owner did not choose it.

        Raises:
            UnknownModel, NoModels: See `CatalogueService.choose`.
        """
        try:
            return await self._catalogue.choose(chat.session.model, needs=TOOLS)
        except UnknownModel:
            if chat.session.model_pinned:
                raise
            return await self._catalogue.choose(None, needs=TOOLS)

    async def _find(self, caller: Caller, chat_id: UUID) -> Chat | None:
        async with self._sessions() as session:
            chats, turns = ChatRepository(session), ChatTurnRepository(session)
            found = await chats.own(caller.id, chat_id)
            if found is None:
                return None
            # Turns before messages: whoever sees a turn that has ended sees its whole answer.
            its_turns = await turns.of_chat(chat_id)
            messages = await chats.messages(chat_id)
            return Chat(found, messages, its_turns, await turns.calls_of_chat(chat_id))

    async def newest(
        self, caller: Caller, limit: int, cursor: str | None, factoid_id: UUID | None = None
    ) -> ChatPage:
        """The caller's chats, or only those about a factoid; the last used first.

        Raises:
            InvalidCursor: The cursor was altered, or is another owner's or another list's.
        """
        if caller.id is None:
            return ChatPage([], None)
        scope, after = f"chats of {caller.id} about {factoid_id}", None
        if cursor:
            micros, last_id = self._cursors.read(scope, cursor)
            after = (_EPOCH + timedelta(microseconds=micros), UUID(bytes=last_id))
        async with self._sessions() as session:
            found = await ChatRepository(session).newest_of(caller.id, limit + 1, after, factoid_id)
        items, more = found[:limit], len(found) > limit
        if not more:
            return ChatPage(items, None)
        last = items[-1][0]
        micros = (last.updated_at - _EPOCH) // timedelta(microseconds=1)
        return ChatPage(items, self._cursors.write(scope, [micros, last.id.bytes]))

    async def change(
        self,
        caller: Caller,
        chat_id: UUID,
        *,
        title: str | None = None,
        model: str | None = None,
        branch_of: UUID | None = None,
    ) -> Chat:
        """Rename a chat, choose its model before the first message, show another branch.

        Raises:
            ChatNotFound, ChatMessageNotFound: It is not there, or another owner's.
            ModelFixed: There are messages already.
            Invalid, UnknownModel: A value cannot be used.
        """
        chat = await self.get(caller, chat_id)
        values: dict[str, Any] = {}
        if title is not None:
            values["title"] = read_title(title)
        if model is not None:
            if chat.messages:
                raise ModelFixed("The model cannot be changed once something was said.")
            chosen = await self._catalogue.choose(model, needs=TOOLS)
            values |= {"model": chosen.id, "model_pinned": True}
        if branch_of is not None:
            values["leaf_id"] = newest_leaf(chat.messages, chat.message(branch_of).id)
        if values:
            async with self._sessions.begin() as session:
                await ChatRepository(session).change(chat_id, **values)
        return await self.get(caller, chat_id)

    async def delete(self, caller: Caller, chat_id: UUID) -> None:
        """Delete the messages and stop an answer that is being written; costs stay in the ledger.

        Raises:
            ChatNotFound: It is not there, or another owner's.
        """
        chat = await self.get(caller, chat_id)
        async with self._sessions.begin() as session:
            for turn in chat.turns:
                if turn.is_open:
                    await ChatTurnRepository(session).request_cancel(turn.id)
            await ChatRepository(session).delete_messages(chat_id)
            # The stored responses of idempotent requests contain them too.
            made = [chat_id, *(turn.id for turn in chat.turns)]
            await IdempotencyRepository(session).delete_results(chat.session.owner_id, made)

    async def share(self, caller: Caller, chat_id: UUID) -> Chat:
        """Make the branch that is shown readable under a link, as it is now.

        Sharing again keeps the link, and includes the messages since.

        Raises:
            ChatNotFound: It is not there, or another owner's.
            Conflict: There are no messages yet.
        """
        chat = await self.get(caller, chat_id)
        if not chat.messages:
            raise Conflict("There is nothing to share yet.")
        last = chat.shown[-1]
        async with self._sessions.begin() as session:
            await ChatRepository(session).change(
                chat_id,
                share_token=chat.session.share_token or secrets.token_urlsafe(32),
                # An answer that is being written is left out.
                shared_leaf_id=last.parent_id if last.status == "writing" else last.id,
                shared_at=datetime.now(UTC),
            )
        return await self.get(caller, chat_id)

    async def unshare(self, caller: Caller, chat_id: UUID) -> None:
        """Disable the link; a second time this changes nothing."""
        await self.get(caller, chat_id)
        async with self._sessions.begin() as session:
            await ChatRepository(session).change(
                chat_id, share_token=None, shared_leaf_id=None, shared_at=None
            )

    async def shared(self, token: str) -> SharedChat:
        """Raises: ChatNotFound: Nothing is shared under this link."""
        async with self._sessions() as session:
            chats = ChatRepository(session)
            found = await chats.shared(token) if _TOKEN.fullmatch(token) else None
            if found is None:
                raise ChatNotFound("Nothing is shared here any more.")
            return SharedChat(found, branch(await chats.messages(found.id), found.shared_leaf_id))


def gone() -> ChatNotFound:
    return ChatNotFound("There is no such chat of yours.")


async def factoid_of(factoids: FactoidService, factoid_id: UUID | None) -> FactoidCard | None:
    """The factoid a chat is about, while it exists."""
    if factoid_id is None:
        return None
    try:
        return await factoids.get_factoid(factoid_id, None)
    except FactoidNotFound:
        return None
