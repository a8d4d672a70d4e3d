"""The wire shapes of chats: what is sent and returned for a chat, its quote and its share."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.chat_messages import (
    ChatMessageOut,
    ChatUsageOut,
    MessageRole,
    SourceOut,
    TurnOut,
)
from api.schemas.factoids import FactoidOut

Title = Annotated[str, Meta(max_length=1_000)]
ModelName = Annotated[str, Meta(min_length=1, max_length=200)]


class ChatIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to talk about and with which model; everything may be left out."""

    factoid_id: UUID | None = None
    """The factoid it is about; without one it is about all of them."""
    model: ModelName | None = None
    """An id from `GET /api/models` that can use tools; without one the product chooses."""
    title: Title | None = None
    """At most 120 characters; without one the first message names the chat."""

    @classmethod
    def example(cls) -> Self:
        return cls(factoid_id=FactoidOut.example().id)


class ChatChangeIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    title: Title | None = None
    model: ModelName | None = None
    """Only until the first message."""
    branch: UUID | None = None
    """A message: the branch it lies on is shown and gone on with."""

    @classmethod
    def example(cls) -> Self:
        return cls(title="Three hearts")


@dataclass
class ChatSummaryOut:
    """A chat as the list shows it."""

    id: UUID
    title: str
    factoid_id: UUID | None
    model: str
    status: Literal["idle", "answering"]
    created_at: datetime
    updated_at: datetime
    """When something was last said."""
    cost_usd: Decimal


@dataclass
class ChatsOut:
    items: list[ChatSummaryOut]
    next_cursor: str | None = None

    @classmethod
    def example(cls) -> Self:
        chat = ChatOut.example()
        summary = ChatSummaryOut(
            id=chat.id,
            title=chat.title,
            factoid_id=chat.factoid_id,
            model=chat.model,
            status=chat.status,
            created_at=chat.created_at,
            updated_at=chat.updated_at,
            cost_usd=chat.usage.cost_usd,
        )
        return cls([summary])


@dataclass
class ChatOut:
    """A chat with the messages of the branch that is shown."""

    id: UUID
    title: str
    factoid_id: UUID | None
    model: str
    model_changeable: bool
    """Until the first message."""
    prompt_version: str
    status: Literal["idle", "answering"]
    created_at: datetime
    updated_at: datetime
    stream_url: str
    usage: ChatUsageOut
    """Of the whole chat, all branches."""
    messages: list[ChatMessageOut]
    turn_id: UUID | None = None
    """The answer under way or the last one."""
    web_search: bool = False
    """Whether the agent can search the web here."""
    share_url: str | None = None
    shared_at: datetime | None = None

    @classmethod
    def example(cls) -> Self:
        turn = TurnOut.example()
        return cls(
            id=turn.chat_id,
            title="Why three hearts?",
            factoid_id=FactoidOut.example().id,
            model="openai/gpt-4o-mini",
            model_changeable=False,
            prompt_version="chat-1",
            status="idle",
            created_at=turn.question.created_at,
            updated_at=datetime(2026, 11, 20, 9, 1, 4, tzinfo=UTC),
            stream_url=turn.stream_url,
            usage=replace(ChatUsageOut.example(), tokens_left=298_699),
            messages=[turn.question, ChatMessageOut.example()],
            turn_id=turn.id,
        )


@dataclass
class ChatQuoteOut:
    """What the next message would cost now. Nothing is reserved by asking."""

    model: str
    worst_case_usd: Decimal
    """With as many steps as there may be, each as long as it may be."""
    usual_usd: Decimal | None
    """The median of recent answers; null before there were any."""
    allowed: bool
    messages_left: int
    """Free messages until one has to wait."""
    credits_left: int
    """Paid messages, which are used when there is no free one."""
    tokens_left: int
    """Of what this chat may use."""
    budget_left_usd: Decimal
    reason: str | None = None
    """Why it would be refused now."""

    @classmethod
    def example(cls) -> Self:
        return cls(
            model="openai/gpt-4o-mini",
            worst_case_usd=Decimal("0.0481"),
            usual_usd=Decimal("0.00021"),
            allowed=True,
            messages_left=9,
            credits_left=0,
            tokens_left=298_699,
            budget_left_usd=Decimal("0.2398"),
        )


@dataclass
class ShareOut:
    """The link by which anybody can read the chat up to now."""

    url: str
    token: str
    shared_at: datetime

    @classmethod
    def example(cls) -> Self:
        token = "q8mEJ2v0m3cVhYk1sR5tW7xZ9bD4fG6hJ8kL0nP2qS4"
        shared_at = datetime(2026, 11, 20, 9, 1, 4, tzinfo=UTC)
        return cls(f"https://factoids.example/shared/{token}", token, shared_at)


@dataclass
class SharedMessageOut:
    """A message as a stranger reads it."""

    role: MessageRole
    text: str
    created_at: datetime
    sources: list[SourceOut] = field(default_factory=list[SourceOut])


@dataclass
class SharedChatOut:
    """A chat somebody has shared: as it was then, without what it cost or whose it is."""

    title: str
    factoid_id: UUID | None
    model: str
    shared_at: datetime
    messages: list[SharedMessageOut]

    @classmethod
    def example(cls) -> Self:
        chat = ChatOut.example()
        return cls(
            title=chat.title,
            factoid_id=chat.factoid_id,
            model=chat.model,
            shared_at=chat.updated_at,
            messages=[
                SharedMessageOut(message.role, message.text, message.created_at, message.sources)
                for message in chat.messages
            ],
        )
