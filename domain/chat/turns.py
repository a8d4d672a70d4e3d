"""Requesting answers: what is checked and written down before any model is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatMessage, ChatTurn
from db.repositories.chats import ChatRepository, ChatTurnRepository
from domain.caller import Caller
from domain.chat import prompt
from domain.chat.admission import Admission
from domain.chat.history import history_of
from domain.chat.input import default_title, read_message
from domain.chat.kind import CHAT_TURNS
from domain.chat.sessions import Chat, ChatMessageNotFound, Chats, factoid_of, gone
from domain.chat.tools import schemas
from domain.chat.usage import CHAT_TOKENS, usage_of
from domain.errors import Conflict, Invalid
from domain.factoids.service import FactoidService
from domain.idempotency import Attempt
from domain.model_runs import allowance, settlement
from domain.spending.budget import BudgetUsedUp

CONTINUABLE = {"stopped", "interrupted", "failed"}


class TurnUnderWay(Conflict):
    code = "turn_under_way"


class NothingUnderWay(Conflict):
    code = "nothing_under_way"


class ChatUsedUp(Conflict):
    code = "chat_used_up"


class NotContinuable(Conflict):
    code = "cannot_go_on"


@dataclass(frozen=True)
class TurnState:
    """A turn with its question and its chat."""

    turn: ChatTurn
    question: ChatMessage
    chat: Chat


class ChatTurns:
    """Requests and stops answers; opens its own short transactions."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        chats: Chats,
        factoids: FactoidService,
        admission: Admission,
        *,
        web: bool,
    ) -> None:
        self._sessions = sessions
        self._chats = chats
        self._factoids = factoids
        self._admission = admission
        self._web = web

    async def send(
        self, caller: Caller, chat_id: UUID, text: str, *, edit_of: UUID | None, attempt: Attempt
    ) -> TurnState:
        """Send a message, at the end of the branch that is shown or in place of another message.

        A repeated `attempt` gets the turn that the first one made.

        Raises:
            ChatNotFound, ChatMessageNotFound: It is not there, or another owner's.
            Invalid: The message is empty, too long, or what it replaces is an answer.
            Conflict, TooManyMessages, LimiterAway, BudgetUsedUp, NoModels: See `_begin`.
        """
        chat = await self._chats.get(caller, chat_id)
        if existing := _existing(chat, attempt):
            return existing
        message = read_message(text)
        parent_id = chat.session.leaf_id
        if edit_of:
            replaced = chat.message(edit_of)
            if replaced.role != "user":
                raise Invalid("Only what you said yourself can be replaced.", field="/edit_of")
            parent_id = replaced.parent_id
        question = _message(chat_id, parent_id, "user", message)
        answer = _message(chat_id, question.id, "assistant")
        return await self._begin(caller, chat, question, answer, [question, answer], attempt)

    async def regenerate(
        self, caller: Caller, chat_id: UUID, message_id: UUID, attempt: Attempt
    ) -> TurnState:
        """Have a question answered again, as a sibling of the answer; raises as `send`."""
        chat = await self._chats.get(caller, chat_id)
        if existing := _existing(chat, attempt):
            return existing
        question = _question_of(chat, message_id)
        answer = _message(chat_id, question.id, "assistant")
        return await self._begin(caller, chat, question, answer, [answer], attempt)

    async def continue_answer(
        self, caller: Caller, chat_id: UUID, message_id: UUID, attempt: Attempt
    ) -> TurnState:
        """Have an answer that ended early continued, in a copy where a link shows it; raises as
        `send`, and

        Raises:
            NotContinuable: It did not end early.
        """
        chat = await self._chats.get(caller, chat_id)
        if existing := _existing(chat, attempt):
            return existing
        question, answer = _question_of(chat, message_id), chat.message(message_id)
        if answer.status not in CONTINUABLE:
            raise NotContinuable(
                "This answer is complete. Say something, or have it answered anew."
            )
        new: list[ChatMessage] = []
        if chat.shares(answer):
            # The link shows the answer as it was when the chat was shared.
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
    ) -> TurnState:
        """Admit a turn and add it, with the job that runs it and the money for its first call.

        Raises:
            TurnUnderWay, ChatUsedUp: The chat cannot have one now.
            NoModels, UnknownModel: No model can answer.
            TooManyMessages, LimiterAway, BudgetUsedUp: See `Admission`.
        """
        if chat.answering:
            raise under_way()
        if usage_of(chat.calls).tokens >= CHAT_TOKENS:
            raise too_long()
        model = await self._chats.model_of(chat)
        history = history_of(chat.messages, question, answer)
        messages = prompt.conversation(
            await factoid_of(self._factoids, chat.session.factoid_id), history, web=self._web
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
            await self._add(chat, question, turn, new)
        except BaseException as error:
            await self._admission.uncount(caller, turn.id)
            if isinstance(error, IntegrityError) and "uq_chat_turns_open" in str(error.orig):
                raise under_way() from error
            if isinstance(error, BudgetUsedUp):
                await self._admission.record_refusal(self._sessions, caller, error)
            raise
        return TurnState(turn, question, await self._chats.get(caller, chat.session.id))

    async def _add(
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
        async with self._sessions.begin() as session:
            chats = ChatRepository(session)
            await ChatTurnRepository(session).add(turn, call)
            await chats.add_messages(new)
            changed = await chats.change(
                turn.session_id,
                leaf_id=turn.answer_id,
                updated_at=now,
                title=chat.session.title or default_title(question.text),
            )
            if not changed:
                # Its owner has deleted it meanwhile.
                raise gone()
            if not new:
                await chats.change_message(turn.answer_id, status="writing")
            await CHAT_TURNS.run_job.enqueue(session, turn.id)
            # The contended rows come last, so that they are locked as briefly as possible.
            await self._admission.hold_credit(session, turn)
            await self._admission.hold(session, turn, call.id, call.quote_usd)

    async def stop(self, caller: Caller, chat_id: UUID) -> TurnState:
        """Stop the answer: at once while it is queued, within a second while it is written.

        Raises:
            ChatNotFound: It is not there, or another owner's.
            NothingUnderWay: No answer is being written.
        """
        chat = await self._chats.get(caller, chat_id)
        turn = chat.last_turn
        if turn is None or not turn.is_open:
            raise NothingUnderWay("Nothing is being written, so there is nothing to stop.")
        async with self._sessions.begin() as session:
            turns = ChatTurnRepository(session)
            if was_queued := await turns.stop_queued(turn.id):
                await ChatRepository(session).change_message(turn.answer_id, status="stopped")
                await CHAT_TURNS.run_job.done(session, turn.id)
                await allowance.promise_return(session, CHAT_TURNS, turn.id)
                await settlement.sum_up(session, CHAT_TURNS, turn.id)
            else:
                await turns.request_cancel(turn.id)
        if was_queued:
            await self._admission.uncount(caller, turn.id)
        chat = await self._chats.get(caller, chat_id)
        turn = next(found for found in chat.turns if found.id == turn.id)
        return TurnState(turn, _question_of(chat, turn.answer_id), chat)


def _message(
    chat_id: UUID,
    parent_id: UUID | None,
    role: str,
    text: str | None = None,
    begun: ChatMessage | None = None,
) -> ChatMessage:
    """A message with a text, or an answer to be written, which may continue one `begun`."""
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


def _existing(chat: Chat, attempt: Attempt) -> TurnState | None:
    """The turn that an earlier attempt made."""
    turn = next((turn for turn in chat.turns if turn.id == attempt.result_id), None)
    return TurnState(turn, _question_of(chat, turn.answer_id), chat) if turn else None


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
