"""Maps chats to response schemas."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from api.decimals import plain_decimal
from api.schemas.chat_messages import (
    ChatMessageOut,
    ChatProblem,
    ChatUsageOut,
    SourceOut,
    ToolUseOut,
    TurnOut,
)
from api.schemas.chats import (
    ChatOut,
    ChatQuoteOut,
    ChatsOut,
    ChatSummaryOut,
    SharedChatOut,
    SharedMessageOut,
    ShareOut,
)
from db.models import ChatCall, ChatMessage, ChatSession, ChatTurn
from db.models.chat import WEB_SEARCH
from domain.chat.history import siblings
from domain.chat.quotes import ChatQuote
from domain.chat.sessions import Chat, ChatPage, SharedChat
from domain.chat.turns import TurnState
from domain.chat.usage import CHAT_TOKENS, TURN_TOKENS, usage_of
from settings import Settings

UNTITLED = "New chat"


def chat_out(chat: Chat, settings: Settings) -> ChatOut:
    session, last = chat.session, chat.last_turn
    siblings_by_id = siblings(chat.messages)
    return ChatOut(
        id=session.id,
        title=session.title or UNTITLED,
        factoid_id=session.factoid_id,
        model=session.model,
        model_changeable=not chat.messages,
        prompt_version=session.prompt_version,
        status="answering" if chat.answering else "idle",
        created_at=session.created_at,
        updated_at=session.updated_at,
        stream_url=stream_url(session.id),
        usage=usage_out(chat.calls, CHAT_TOKENS),
        messages=[message_out(message, chat, siblings_by_id[message.id]) for message in chat.shown],
        turn_id=last.id if last else None,
        web_search=settings.web_search,
        share_url=_share_url(session.share_token, settings.site_url),
        shared_at=session.shared_at,
    )


def summary_out(session: ChatSession, answering: bool) -> ChatSummaryOut:
    return ChatSummaryOut(
        id=session.id,
        title=session.title or UNTITLED,
        factoid_id=session.factoid_id,
        model=session.model,
        status="answering" if answering else "idle",
        created_at=session.created_at,
        updated_at=session.updated_at,
        cost_usd=plain_decimal(session.cost_usd),
    )


def chats_out(page: ChatPage) -> ChatsOut:
    return ChatsOut(
        [summary_out(session, answering) for session, answering in page.items], page.next_cursor
    )


def message_out(message: ChatMessage, chat: Chat, sibling_ids: list[UUID]) -> ChatMessageOut:
    turns = [turn for turn in chat.turns if turn.answer_id == message.id]
    ids = {turn.id for turn in turns}
    calls = [call for call in chat.calls if call.turn_id in ids]
    models = [call.model for call in calls if call.model != WEB_SEARCH]
    role: Any = message.role
    status: Any = message.status
    return ChatMessageOut(
        id=message.id,
        parent_id=message.parent_id,
        role=role,
        text=message.text,
        status=status,
        created_at=message.created_at,
        siblings=sibling_ids,
        sources=sources_out(message),
        tools=msgspec.convert(message.tools, list[ToolUseOut]),
        model=(models[-1] if models else turns[-1].model) if turns else None,
        usage=usage_out(calls, TURN_TOKENS) if turns else None,
        problem=_problem(turns[-1]) if turns else None,
    )


def sources_out(message: ChatMessage) -> list[SourceOut]:
    return msgspec.convert(message.sources, list[SourceOut])


def usage_out(calls: Iterable[ChatCall], most_tokens: int) -> ChatUsageOut:
    usage = usage_of(calls)
    return ChatUsageOut(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        tokens_left=max(0, most_tokens - usage.tokens),
        cost_usd=plain_decimal(usage.cost_usd),
        settled=usage.settled,
        calls=usage.calls,
    )


def turn_out(state: TurnState) -> TurnOut:
    chat, turn, question = state.chat, state.turn, state.question
    sibling_ids = siblings(chat.messages).get(question.id, [question.id])
    status: Any = turn.status
    return TurnOut(
        id=turn.id,
        chat_id=chat.session.id,
        status=status,
        question=message_out(question, chat, sibling_ids),
        answer_id=turn.answer_id,
        stream_url=stream_url(chat.session.id),
        quote_usd=plain_decimal(turn.quote_usd),
    )


def chat_quote_out(quote: ChatQuote) -> ChatQuoteOut:
    return ChatQuoteOut(
        model=quote.model,
        worst_case_usd=plain_decimal(quote.worst_case_usd),
        usual_usd=plain_decimal(quote.usual_usd),
        allowed=quote.reason is None,
        reason=quote.reason,
        messages_left=quote.messages_left,
        credits_left=quote.credits_left,
        tokens_left=quote.tokens_left,
        budget_left_usd=plain_decimal(quote.budget_left_usd),
    )


def share_out(session: ChatSession, site_url: str) -> ShareOut:
    token, shared_at = session.share_token, session.shared_at
    if token is None or shared_at is None:
        raise ValueError("not shared")
    return ShareOut(f"{site_url}/shared/{token}", token, shared_at)


def shared_out(shared: SharedChat) -> SharedChatOut:
    session = shared.session
    return SharedChatOut(
        title=session.title or UNTITLED,
        factoid_id=session.factoid_id,
        model=session.model,
        shared_at=session.shared_at or session.updated_at,
        messages=[_shared_message(message) for message in shared.messages],
    )


def _shared_message(message: ChatMessage) -> SharedMessageOut:
    role: Any = message.role
    return SharedMessageOut(role, message.text, message.created_at, sources_out(message))


def _share_url(token: str | None, site_url: str) -> str | None:
    return f"{site_url}/shared/{token}" if token else None


def stream_url(chat_id: UUID) -> str:
    return f"/api/chats/{chat_id}/stream"


def _problem(turn: ChatTurn) -> ChatProblem | None:
    if turn.problem_code is None:
        return None
    return ChatProblem(turn.problem_code, turn.problem_detail or "It did not work out.")
