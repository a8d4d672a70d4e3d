"""The wire shapes of chat messages: their sources, tools, usage, and the turn that answers one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.factoids import FactoidOut

MessageRole = Literal["user", "assistant"]
MessageStatus = Literal["writing", "done", "stopped", "interrupted", "failed"]
TurnStatus = Literal["queued", "running", "done", "stopped", "interrupted", "failed"]


class MessageIn(msgspec.Struct, forbid_unknown_fields=True):
    """A message of the visitor."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    edit_of: UUID | None = None
    """The own message that this one replaces, as a branch with the same parent. Without it, the
    message follows the newest one shown."""

    @classmethod
    def example(cls) -> Self:
        return cls(text="Why three hearts?")


@dataclass
class SourceOut:
    """A source of an answer, which the text cites as `[number]`."""

    number: int
    kind: Literal["factoid", "web"]
    title: str
    url: str
    """The address for readers."""
    factoid_id: UUID | None = None

    @classmethod
    def example(cls) -> Self:
        factoid = FactoidOut.example()
        return cls(1, "factoid", factoid.subject, factoid.url, factoid.id)


@dataclass
class ToolUseOut:
    """A tool the agent used for an answer."""

    id: str
    name: str
    arguments: str
    """As the model wrote them: JSON, unless the model made a mistake."""
    ok: bool | None
    """Null while it is running."""
    summary: str
    """A short description of the result."""
    sources: list[int] = field(default_factory=list[int])
    """The numbers of the sources it found."""


@dataclass
class ChatProblem:
    """Why an answer ended early, in words a visitor understands."""

    code: str
    detail: str


@dataclass
class ChatUsageOut:
    """What was used and what it cost, so far."""

    prompt_tokens: int
    completion_tokens: int
    tokens_left: int
    """The remainder of the tokens allowed for one answer, or one chat."""
    cost_usd: Decimal
    """The cost of settled calls plus the worst case of the others."""
    settled: bool
    """Whether the cost is final."""
    calls: int
    """The number of model calls."""

    @classmethod
    def example(cls) -> Self:
        return cls(1_240, 61, 118_699, Decimal("0.0002226"), settled=True, calls=2)


@dataclass
class ChatMessageOut:
    """A message and its siblings on other branches."""

    id: UUID
    role: MessageRole
    text: str
    """Markdown; for an answer in progress, the part that is stored."""
    status: MessageStatus
    created_at: datetime
    parent_id: UUID | None = None
    """The message that it follows; null for the first one."""
    siblings: list[UUID] = field(default_factory=list[UUID])
    """All messages with the same parent, itself included, the oldest first."""
    sources: list[SourceOut] = field(default_factory=list[SourceOut])
    tools: list[ToolUseOut] = field(default_factory=list[ToolUseOut])
    model: str | None = None
    """The language model that wrote the answer."""
    usage: ChatUsageOut | None = None
    """Of the answer."""
    problem: ChatProblem | None = None

    @classmethod
    def example(cls) -> Self:
        answer_id = UUID("019a4f51-1c02-7b44-b6a0-93e5d7c10f28")
        tool = ToolUseOut(
            id="call_1",
            name="search_factoids",
            arguments='{"query":"octopus hearts"}',
            ok=True,
            summary="Found 1 factoid",
            sources=[1],
        )
        return cls(
            id=answer_id,
            parent_id=cls.example_question().id,
            role="assistant",
            text="Two pump blood through the gills, one to the rest of the body [1].",
            status="done",
            created_at=datetime(2026, 11, 20, 9, 1, 0, tzinfo=UTC),
            siblings=[answer_id],
            sources=[SourceOut.example()],
            tools=[tool],
            model="openai/gpt-4o-mini",
            usage=ChatUsageOut.example(),
        )

    @classmethod
    def example_question(cls) -> Self:
        question_id = UUID("019a4f51-1c02-7f3b-9e55-0a1d4c68b2f7")
        return cls(
            id=question_id,
            role="user",
            text="Why three hearts?",
            status="done",
            created_at=datetime(2026, 11, 20, 9, 1, 0, tzinfo=UTC),
            siblings=[question_id],
        )


@dataclass
class TurnOut:
    """An answer that was asked for; follow `stream_url` to watch it being written."""

    id: UUID
    chat_id: UUID
    status: TurnStatus
    question: ChatMessageOut
    answer_id: UUID
    stream_url: str
    quote_usd: Decimal
    """The worst case of the first model call; that of each later call is held before the call."""

    @classmethod
    def example(cls) -> Self:
        chat_id = UUID("019a4f51-0b7e-7c1a-a3d8-2f6e9b40c571")
        return cls(
            id=UUID("019a4f51-1c02-7a90-8d11-b7f2c3a85e06"),
            chat_id=chat_id,
            status="queued",
            question=ChatMessageOut.example_question(),
            answer_id=ChatMessageOut.example().id,
            stream_url=f"/api/chats/{chat_id}/stream",
            quote_usd=Decimal("0.0012"),
        )
