"""One example of every body of the chats on the wire, for the OpenAPI document."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from api import sse
from api.chat_markdown import chat_markdown
from api.schemas.chats import (
    ChatChangeIn,
    ChatIn,
    ChatMessageOut,
    ChatOut,
    ChatQuoteOut,
    ChatsOut,
    ChatStatusEvent,
    ChatSummaryOut,
    ChatTokenEvent,
    ChatUsageOut,
    MessageIn,
    SharedChatOut,
    SharedMessageOut,
    ShareOut,
    SourceOut,
    ToolCallEvent,
    ToolResultEvent,
    ToolUseOut,
    TurnBegunOut,
    TurnOut,
    UsageEvent,
)

FACTOID_ID = UUID("019a4f3e-6b1c-7d20-9c41-5f0a8e2d7b13")
CHAT_ID = UUID("019a4f51-0b7e-7c1a-a3d8-2f6e9b40c571")
TURN_ID = UUID("019a4f51-1c02-7a90-8d11-b7f2c3a85e06")
QUESTION_ID = UUID("019a4f51-1c02-7f3b-9e55-0a1d4c68b2f7")
ANSWER_ID = UUID("019a4f51-1c02-7b44-b6a0-93e5d7c10f28")
BEGAN = datetime(2026, 11, 20, 9, 1, 0, tzinfo=UTC)
ENDED = datetime(2026, 11, 20, 9, 1, 4, tzinfo=UTC)
MODEL = "openai/gpt-4o-mini"
STREAM = f"/api/chats/{CHAT_ID}/stream"
TOKEN = "q8mEJ2v0m3cVhYk1sR5tW7xZ9bD4fG6hJ8kL0nP2qS4"
TEXT = "Two pump blood through the gills, one to the rest of the body [1]."

SOURCE = SourceOut(
    number=1,
    kind="factoid",
    title="Octopus hearts",
    url=f"https://factoids.example/f/{FACTOID_ID}",
    factoid_id=FACTOID_ID,
)
TURN_USAGE = ChatUsageOut(1_240, 61, 118_699, Decimal("0.0002226"), settled=True, calls=2)
CHAT_USAGE = ChatUsageOut(1_240, 61, 298_699, Decimal("0.0002226"), settled=True, calls=2)
QUESTION = ChatMessageOut(
    id=QUESTION_ID,
    parent_id=None,
    role="user",
    text="Why three hearts?",
    status="done",
    created_at=BEGAN,
    siblings=[QUESTION_ID],
)
ANSWER = ChatMessageOut(
    id=ANSWER_ID,
    parent_id=QUESTION_ID,
    role="assistant",
    text=TEXT,
    status="done",
    created_at=BEGAN,
    siblings=[ANSWER_ID],
    sources=[SOURCE],
    tools=[
        ToolUseOut(
            id="call_1",
            name="search_factoids",
            arguments='{"query":"octopus hearts"}',
            ok=True,
            summary="Found 1 factoid",
            sources=[1],
        )
    ],
    model=MODEL,
    usage=TURN_USAGE,
)
SUMMARY = ChatSummaryOut(
    id=CHAT_ID,
    title="Why three hearts?",
    factoid_id=FACTOID_ID,
    model=MODEL,
    status="idle",
    created_at=BEGAN,
    updated_at=ENDED,
    cost_usd=Decimal("0.0002226"),
)
CHAT = ChatOut(
    id=CHAT_ID,
    title="Why three hearts?",
    factoid_id=FACTOID_ID,
    model=MODEL,
    model_changeable=False,
    prompt_version="chat-1",
    status="idle",
    created_at=BEGAN,
    updated_at=ENDED,
    stream_url=STREAM,
    usage=CHAT_USAGE,
    messages=[QUESTION, ANSWER],
    turn_id=TURN_ID,
)
TURN = TurnOut(
    id=TURN_ID,
    chat_id=CHAT_ID,
    status="queued",
    question=QUESTION,
    answer_id=ANSWER_ID,
    stream_url=STREAM,
    quote_usd=Decimal("0.0012"),
)
BODIES: tuple[Any, ...] = (
    ChatIn(factoid_id=FACTOID_ID),
    ChatChangeIn(title="Three hearts"),
    MessageIn(text="Why three hearts?"),
    CHAT,
    ChatsOut([SUMMARY]),
    TURN,
    ChatQuoteOut(
        model=MODEL,
        worst_case_usd=Decimal("0.0481"),
        usual_usd=Decimal("0.00021"),
        allowed=True,
        reason=None,
        messages_left=9,
        credits_left=0,
        tokens_left=298_699,
        budget_left_usd=Decimal("0.2398"),
    ),
    ShareOut(f"https://factoids.example/shared/{TOKEN}", TOKEN, ENDED),
    SharedChatOut(
        title="Why three hearts?",
        factoid_id=FACTOID_ID,
        model=MODEL,
        shared_at=ENDED,
        messages=[
            SharedMessageOut("user", "Why three hearts?", BEGAN),
            SharedMessageOut("assistant", TEXT, BEGAN, [SOURCE]),
        ],
    ),
)

TURNS = (sse.OPENING + sse.event("turn", TurnBegunOut(TURN_ID)) + sse.PING).decode()
STREAMED = (
    sse.OPENING
    + sse.event(
        "status", ChatStatusEvent("thinking", "Thinking", TURN_ID, ANSWER_ID), "1763629260000-0"
    )
    + sse.event(
        "tool_call",
        ToolCallEvent(ANSWER_ID, "call_1", "search_factoids", '{"query":"octopus hearts"}'),
        "1763629261000-0",
    )
    + sse.event(
        "tool_result",
        ToolResultEvent(ANSWER_ID, "call_1", "search_factoids", True, "Found 1 factoid", [SOURCE]),
        "1763629261000-1",
    )
    + sse.event("token", ChatTokenEvent(ANSWER_ID, 0, "Two pump"), "1763629262000-0")
    + sse.event("usage", UsageEvent(TURN_USAGE, CHAT_USAGE), "1763629263000-0")
    + sse.event("message", ANSWER, "1763629264000-0")
).decode()

EXPORTED = chat_markdown(CHAT)
