"""Asking for answers: what is checked and written down before anything is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatMessage, ChatTurn
from db.repositories.chats import ChatRepository, ChatTurnRepository
from db.repositories.leases import OPEN
from db.repositories.outbox import OutboxRepository
from domain.caller import Caller
from domain.chat import prompt, settlement
from domain.chat.admission import Admission, promise_back
from domain.chat.sessions import Chat, ChatMessageNotFound, Chats, gone
from domain.chat.spending import CHAT_TOKENS, spent_on
from domain.chat.subject import card_of, model_of, talk_before
from domain.chat.tools import schemas
from domain.chat.words import read_message, title_from
from domain.errors import Conflict, Invalid
from domain.factoids.service import FactoidService
from domain.idempotency import Attempt
from domain.infra.logging import current_request_id
from domain.llm.catalogue import CatalogueService
from domain.spending.budget import BudgetUsedUp

CAN_GO_ON = {"stopped", "interrupted", "failed"}


class TurnUnderWay(Conflict):
    code = "turn_under_way"


class NothingUnderWay(Conflict):
    code = "nothing_under_way"


class ChatUsedUp(Conflict):
    code = "chat_used_up"


class CannotGoOn(Conflict):
    code = "cannot_go_on"


@dataclass(frozen=True)
class Asked:
    """A turn as it was written down."""

    turn: ChatTurn
    question: ChatMessage
    chat: Chat


class ChatTurns:
    """Opens its own short transactions."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        chats: Chats,
        catalogue: CatalogueService,
        factoids: FactoidService,
        admission: Admission,
        *,
        web: bool,
    ) -> None:
        self._sessions = sessions
        self._chats = chats
        self._catalogue = catalogue
        self._factoids = factoids
        self._admission = admission
        self._web = web

    async def send(
        self, caller: Caller, chat_id: UUID, text: str, *, edit_of: UUID | None, attempt: Attempt
    ) -> Asked:
        """Say something, at the end of the branch that is shown or in place of what was said.

        Another `attempt` at it gets the turn that an earlier one has made.

        Raises:
            ChatNotFound, ChatMessageNotFound: It is not there, or somebody else's.
            Invalid: The message is empty, too long, or what it replaces is an answer.
            Conflict, TooManyMessages, LimiterAway, BudgetUsedUp, NoModels: See `_begin`.
        """
        chat = await self._chats.get(caller, chat_id)
        if made := _made(chat, attempt):
            return made
        said = read_message(text)
        parent_id = chat.session.leaf_id
        if edit_of:
            replaced = chat.message(edit_of)
            if replaced.role != "user":
                raise Invalid("Only what you said yourself can be replaced.", field="/edit_of")
            parent_id = replaced.parent_id
        question = _message(chat_id, parent_id, "user", said)
        answer = _message(chat_id, question.id, "assistant")
        return await self._begin(caller, chat, question, answer, [question, answer], attempt)

    async def regenerate(
        self, caller: Caller, chat_id: UUID, message_id: UUID, attempt: Attempt
    ) -> Asked:
        """Have a question answered once more, beside the answer that is there; raises as `send`."""
        chat = await self._chats.get(caller, chat_id)
        if made := _made(chat, attempt):
            return made
        question = _question_of(chat, message_id)
        answer = _message(chat_id, question.id, "assistant")
        return await self._begin(caller, chat, question, answer, [answer], attempt)

    async def go_on(
        self, caller: Caller, chat_id: UUID, message_id: UUID, attempt: Attempt
    ) -> Asked:
        """Have an answer that ended early gone on with, beside it where strangers may read it;
        raises as `send`, and

        Raises:
            CannotGoOn: It did not end early.
        """
        chat = await self._chats.get(caller, chat_id)
        if made := _made(chat, attempt):
            return made
        question, answer = _question_of(chat, message_id), chat.message(message_id)
        if answer.status not in CAN_GO_ON:
            raise CannotGoOn("This answer is complete. Say something, or have it answered anew.")
        new: list[ChatMessage] = []
        if chat.shares(answer):
            # A link shows what was said then, and not what is said now.
            new = [_message(chat_id, question.id, "assistant", begun=answer)]
        return await self._begin(caller, chat, question, (new or [answer])[0], new, attempt)

    async def _begin(
        self,
        caller: Caller,
        chat: Chat,
        question: ChatMessage,
        answer: ChatMessage,
        new: Sequence[ChatMessage],
        attempt: Attempt,
    ) -> Asked:
        """Admit a turn and write it down with the job that runs it and the money it begins with.

        Raises:
            TurnUnderWay, ChatUsedUp: The chat cannot have one now.
            NoModels, UnknownModel: Nobody can answer.
            TooManyMessages, LimiterAway, BudgetUsedUp: See `Admission`.
        """
        if chat.answering:
            raise under_way()
        if spent_on(chat.calls).tokens >= CHAT_TOKENS:
            raise too_long()
        model = await model_of(self._catalogue, chat)
        talk = talk_before(chat.messages, question, answer)
        messages = prompt.conversation(
            await card_of(self._factoids, chat.session.factoid_id), talk, web=self._web
        )
        now = datetime.now(UTC)
        turn = ChatTurn(
            id=attempt.result_id,
            session_id=chat.session.id,
            answer_id=answer.id,
            caller_kind=caller.kind,
            caller_id=caller.id,
            network=caller.network,
            budget_usd=caller.budget_usd,
            model=model.id,
            quote_usd=prompt.quote_usd(model, messages, schemas(web=self._web)),
            created_at=now,
        )
        await self._admission.admit(self._sessions, caller, turn)
        try:
            await self._write_down(chat, question, turn, new)
        except BaseException as error:
            await self._admission.take_back(caller, turn.id)
            if isinstance(error, IntegrityError) and "uq_chat_turns_open" in str(error.orig):
                raise under_way() from error
            if isinstance(error, BudgetUsedUp):
                await self._admission.note_refusal(self._sessions, caller, error)
            raise
        return Asked(turn, question, await self._chats.get(caller, chat.session.id))

    async def _write_down(
        self,
        chat: Chat,
        question: ChatMessage,
        turn: ChatTurn,
        new: Sequence[ChatMessage],
    ) -> None:
        now = turn.created_at
        call = ChatCall(
            id=uuid7(),
            turn_id=turn.id,
            number=1,
            model=turn.model,
            state="held",
            quote_usd=turn.quote_usd,
            called_at=now,
        )
        key = settlement.run_key(turn.id)
        meta = {"request_id": current_request_id()}
        async with self._sessions.begin() as session:
            chats = ChatRepository(session)
            await ChatTurnRepository(session).add(turn, call)
            await chats.add_messages(new)
            there = await chats.change(
                turn.session_id,
                leaf_id=turn.answer_id,
                updated_at=now,
                title=chat.session.title or title_from(question.text),
            )
            if not there:
                # Its owner has deleted it meanwhile, and nothing may be said in it any more.
                raise gone()
            if not new:
                await chats.change_message(turn.answer_id, status="writing")
            await OutboxRepository(session).add(
                settlement.RUN_JOB, key, turn_id=str(turn.id), meta=meta
            )
            # The busy rows come last, so that they are locked for as short as can be.
            await self._admission.draw(session, turn)
            await self._admission.hold(session, turn, call.id, call.quote_usd)

    async def stop(self, caller: Caller, chat_id: UUID) -> Asked:
        """Stop the answer under way: at once when it waits, within a second when it is written.

        Raises:
            ChatNotFound: It is not there, or somebody else's.
            NothingUnderWay: No answer is being written.
        """
        chat = await self._chats.get(caller, chat_id)
        turn = chat.last_turn
        if turn is None or turn.status not in OPEN:
            raise NothingUnderWay("Nothing is being written, so there is nothing to stop.")
        async with self._sessions.begin() as session:
            turns = ChatTurnRepository(session)
            if waited := await turns.stop_queued(turn.id):
                await ChatRepository(session).change_message(turn.answer_id, status="stopped")
                await OutboxRepository(session).done(settlement.run_key(turn.id))
                await promise_back(session, turn.id)
                await settlement.sum_up(session, turn.id)
            else:
                await turns.ask_cancel(turn.id)
        if waited:
            await self._admission.take_back(caller, turn.id)
        chat = await self._chats.get(caller, chat_id)
        turn = next(one for one in chat.turns if one.id == turn.id)
        return Asked(turn, _question_of(chat, turn.answer_id), chat)


def _message(
    chat_id: UUID,
    parent_id: UUID | None,
    role: str,
    text: str | None = None,
    begun: ChatMessage | None = None,
) -> ChatMessage:
    """What is said, or with no text an answer to be written; it may be begun already."""
    return ChatMessage(
        id=uuid7(),
        session_id=chat_id,
        parent_id=parent_id,
        role=role,
        text=begun.text if begun else text or "",
        status="writing" if text is None else "done",
        sources=begun.sources if begun else [],
        tools=begun.tools if begun else [],
        created_at=datetime.now(UTC),
    )


def _made(chat: Chat, attempt: Attempt) -> Asked | None:
    """The turn that an earlier attempt has made."""
    turn = next((one for one in chat.turns if one.id == attempt.result_id), None)
    return Asked(turn, _question_of(chat, turn.answer_id), chat) if turn else None


def _question_of(chat: Chat, answer_id: UUID) -> ChatMessage:
    """Raises: ChatMessageNotFound: There is no such answer in the chat."""
    answer = chat.message(answer_id)
    if answer.role != "assistant" or answer.parent_id is None:
        raise ChatMessageNotFound("There is no such answer in this chat.")
    return chat.message(answer.parent_id)


def too_long() -> ChatUsedUp:
    return ChatUsedUp("This chat has become too long. Please begin a new one.")


def under_way() -> TurnUnderWay:
    return TurnUnderWay("An answer is being written. Wait for its end, or stop it.")
