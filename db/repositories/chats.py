"""Chats, their messages, and the turns in which answers are written."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import ChatCall, ChatMessage, ChatSession, ChatTurn
from db.models.model_run import OPEN
from db.repositories.model_runs import ModelRunRepository

RECENT_TURNS = 200
"""Over how many settled turns the usual cost is taken."""


class ChatRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def own(self, owner_id: UUID | None, chat_id: UUID) -> ChatSession | None:
        """The owner's chat, unless it is deleted or somebody else's."""
        return await self._session.scalar(
            select(ChatSession)
            .where(
                ChatSession.id == chat_id,
                ChatSession.owner_id == owner_id,
                ChatSession.deleted_at.is_(None),
            )
            .execution_options(populate_existing=True)
        )

    async def get(self, chat_id: UUID) -> ChatSession | None:
        return await self._session.get(ChatSession, chat_id, populate_existing=True)

    async def newest_of(
        self,
        owner_id: UUID,
        limit: int,
        after: tuple[datetime, UUID] | None,
        factoid_id: UUID | None = None,
    ) -> list[tuple[ChatSession, bool]]:
        """The owner's chats, or only those about a factoid: the last used first, each with whether
        an answer is being written.
        """
        answering = (
            select(ChatTurn.id)
            .where(ChatTurn.session_id == ChatSession.id, ChatTurn.status.in_(OPEN))
            .exists()
        )
        found = select(ChatSession, answering).where(
            ChatSession.owner_id == owner_id, ChatSession.deleted_at.is_(None)
        )
        if factoid_id:
            found = found.where(ChatSession.factoid_id == factoid_id)
        if after:
            position = tuple_(ChatSession.updated_at, ChatSession.id)
            found = found.where(position < after)
        rows = await self._session.execute(
            found.order_by(ChatSession.updated_at.desc(), ChatSession.id.desc()).limit(limit)
        )
        return [(row[0], row[1]) for row in rows]

    async def shared(self, token: str) -> ChatSession | None:
        return await self._session.scalar(
            select(ChatSession).where(
                ChatSession.share_token == token, ChatSession.deleted_at.is_(None)
            )
        )

    async def add(self, chat: ChatSession) -> None:
        self._session.add(chat)
        await self._session.flush()

    async def change(self, chat_id: UUID, **values: Any) -> bool:
        """Change a chat, unless it is deleted; whether it was there."""
        changed = await self._session.scalar(
            update(ChatSession)
            .where(ChatSession.id == chat_id, ChatSession.deleted_at.is_(None))
            .values(**values)
            .returning(ChatSession.id)
            .execution_options(synchronize_session=False)
        )
        return changed is not None

    async def delete_messages(self, chat_id: UUID) -> None:
        """Delete a chat's messages and mark it deleted; its costs stay."""
        # First the chat: a message that is sent now is there already, or finds the chat deleted.
        await self.change(
            chat_id,
            title="",
            factoid_id=None,
            leaf_id=None,
            share_token=None,
            shared_leaf_id=None,
            shared_at=None,
            deleted_at=func.now(),
        )
        await self._session.execute(delete(ChatMessage).where(ChatMessage.session_id == chat_id))

    async def messages(self, chat_id: UUID) -> list[ChatMessage]:
        """All messages of all branches, the oldest first."""
        found = await self._session.scalars(
            select(ChatMessage)
            .where(ChatMessage.session_id == chat_id)
            .order_by(ChatMessage.created_at, ChatMessage.id)
            .execution_options(populate_existing=True)
        )
        return list(found)

    async def message(self, message_id: UUID) -> ChatMessage | None:
        return await self._session.get(ChatMessage, message_id, populate_existing=True)

    async def add_messages(self, messages: Sequence[ChatMessage]) -> None:
        self._session.add_all(messages)
        await self._session.flush()

    async def change_message(self, message_id: UUID, **values: Any) -> None:
        await self._session.execute(
            update(ChatMessage).where(ChatMessage.id == message_id).values(**values)
        )

    async def sum_up(self, chat_id: UUID) -> None:
        """Make the chat's tokens and cost those of its turns, deleted or not."""
        turns = select(
            func.coalesce(func.sum(ChatTurn.prompt_tokens), 0),
            func.coalesce(func.sum(ChatTurn.completion_tokens), 0),
            func.coalesce(func.sum(ChatTurn.cost_usd), 0),
        ).where(ChatTurn.session_id == chat_id)
        prompt, completion, cost_usd = (await self._session.execute(turns)).one()
        await self._session.execute(
            update(ChatSession)
            .where(ChatSession.id == chat_id)
            .values(prompt_tokens=prompt, completion_tokens=completion, cost_usd=cost_usd)
        )


class ChatTurnRepository(ModelRunRepository[ChatTurn, ChatCall]):
    run_model = ChatTurn
    call_model = ChatCall
    call_run_id = "turn_id"

    async def add(self, turn: ChatTurn, call: ChatCall) -> None:
        """Write a turn down with its first call.

        Raises:
            sqlalchemy.exc.IntegrityError: Another turn of this chat is under way.
        """
        self._session.add(turn)
        await self._session.flush()
        await self.add_call(call)

    async def last(self, chat_id: UUID) -> ChatTurn | None:
        """The turn under way or the one before it."""
        return await self._session.scalar(
            select(ChatTurn)
            .where(ChatTurn.session_id == chat_id)
            .order_by(ChatTurn.created_at.desc(), ChatTurn.id.desc())
            .limit(1)
            .execution_options(populate_existing=True)
        )

    async def of_chat(self, chat_id: UUID) -> list[ChatTurn]:
        found = await self._session.scalars(
            select(ChatTurn).where(ChatTurn.session_id == chat_id).order_by(ChatTurn.created_at)
        )
        return list(found)

    async def stop_queued(self, turn_id: UUID) -> bool:
        """Stop a turn that no worker has leased yet; whether there was one."""
        done = await self._session.scalar(
            update(ChatTurn)
            .where(ChatTurn.id == turn_id, ChatTurn.status == "queued")
            .values(status="stopped", finished_at=func.now(), allowance_returned=True)
            .returning(ChatTurn.id)
        )
        return done is not None

    async def calls_of_chat(self, chat_id: UUID) -> list[ChatCall]:
        found = await self._session.scalars(
            select(ChatCall)
            .join(ChatTurn, ChatTurn.id == ChatCall.turn_id)
            .where(ChatTurn.session_id == chat_id)
            .order_by(ChatCall.called_at)
        )
        return list(found)

    async def call(self, call_id: UUID) -> ChatCall | None:
        return await self._session.get(ChatCall, call_id, populate_existing=True)

    async def usual_usd(self, model_id: str) -> Decimal | None:
        """The median cost of a model's last settled answers; None before there were any."""
        recent = (
            select(ChatTurn.cost_usd)
            .where(
                ChatTurn.model == model_id,
                ChatTurn.status == "done",
                ChatTurn.settled_at.is_not(None),
            )
            .order_by(ChatTurn.settled_at.desc())
            .limit(RECENT_TURNS)
            .subquery()
        )
        middle = func.percentile_disc(0.5).within_group(recent.c.cost_usd)
        return await self._session.scalar(select(middle))
