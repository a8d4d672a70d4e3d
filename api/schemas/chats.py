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
    """The topic and model of a new chat; all fields are optional."""

    factoid_id: UUID | None = None
    """The factoid that the chat is about; without one it is about all factoids."""
    model: ModelName | None = None
    """The id of a model with tools from `GET /api/models`; by default the product chooses."""
    title: Title | None = None
    """At most 120 characters; by default taken from the first message."""

    @classmethod
    def example(cls) -> Self:
        return cls(factoid_id=FactoidOut.example().id)


class ChatChangeIn(msgspec.Struct, forbid_unknown_fields=True):
    """The fields to change."""

    title: Title | None = None
    model: ModelName | None = None
    """Allowed only before the first message."""
    branch: UUID | None = None
    """The id of a message whose branch is shown and continued."""

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
    """The time of the last message."""
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
    """True until the first message."""
    prompt_version: str
    status: Literal["idle", "answering"]
    created_at: datetime
    updated_at: datetime
    stream_url: str
    usage: ChatUsageOut
    """Of the whole chat, all branches."""
    messages: list[ChatMessageOut]
    turn_id: UUID | None = None
    """The turn in progress, or the last one."""
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
    """With the most steps allowed, each of the greatest length allowed."""
    usual_usd: Decimal | None
    """The median cost of recent answers; null if there are none."""
    allowed: bool
    messages_left: int
    """The number of free messages left before the rate limit applies."""
    credits_left: int
    """The number of paid messages left, used when no free one is."""
    tokens_left: int
    """The remainder of the tokens allowed for this chat."""
    budget_left_usd: Decimal
    reason: str | None = None
    """Why the message would be refused; null if it is allowed."""

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
    """The public link to the chat as it is now."""

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
    """A message of a shared chat."""

    role: MessageRole
    text: str
    created_at: datetime
    sources: list[SourceOut] = field(default_factory=list[SourceOut])


@dataclass
class SharedChatOut:
    """A snapshot of a shared chat, without its cost and owner."""

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
