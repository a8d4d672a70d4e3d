"""The wire shapes of chats: talks with the agent, their messages, turns and what they cost."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

MessageRole = Literal["user", "assistant"]
MessageStatus = Literal["writing", "done", "stopped", "interrupted", "failed"]
TurnStatus = Literal["queued", "running", "done", "stopped", "interrupted", "failed"]

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


class ChatChangeIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is left out stays."""

    title: Title | None = None
    model: ModelName | None = None
    """Only until the first message."""
    branch: UUID | None = None
    """A message: the branch it lies on is shown and gone on with."""


class MessageIn(msgspec.Struct, forbid_unknown_fields=True):
    """What you say."""

    text: Annotated[str, Meta(min_length=1, max_length=4_000)]
    edit_of: UUID | None = None
    """The message of yours this one replaces: it becomes a branch beside it, under the same
    parent. Left out, it goes on from the newest message shown."""


@dataclass
class SourceOut:
    """Where something in an answer is from; the text names it as `[number]`."""

    number: int
    kind: Literal["factoid", "web"]
    title: str
    url: str
    """Where a reader can open it."""
    factoid_id: UUID | None = None


@dataclass
class ToolUseOut:
    """A tool the agent used for an answer."""

    id: str
    name: str
    arguments: str
    """As the model wrote them: JSON, unless it erred."""
    ok: bool | None
    """Null while it is running."""
    summary: str
    """What came of it, in a few words."""
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
    """Of what one answer, or one chat, may use."""
    cost_usd: Decimal
    """Settled calls, and the worst case of those not settled yet."""
    settled: bool
    """Whether the cost is final."""
    calls: int
    """How often a model was called."""


@dataclass
class ChatMessageOut:
    """One message, with the branches beside it."""

    id: UUID
    role: MessageRole
    text: str
    """Markdown. Of an answer being written, what was kept of it so far."""
    status: MessageStatus
    created_at: datetime
    parent_id: UUID | None = None
    """What it was said after; null for the first one."""
    siblings: list[UUID] = field(default_factory=list[UUID])
    """All messages at this place, itself among them, the oldest first."""
    sources: list[SourceOut] = field(default_factory=list[SourceOut])
    tools: list[ToolUseOut] = field(default_factory=list[ToolUseOut])
    model: str | None = None
    """Who wrote the answer."""
    usage: ChatUsageOut | None = None
    """Of the answer."""
    problem: ChatProblem | None = None


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
    """The most the first model call can cost; each further one is held before it is made."""


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


@dataclass
class ShareOut:
    """The link by which anybody can read the chat up to now."""

    url: str
    token: str
    shared_at: datetime


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


@dataclass
class TurnBegunOut:
    """SSE event `turn`: an answer was asked for."""

    turn_id: UUID


@dataclass
class ChatStatusEvent:
    """SSE event `status`: how far the answer is."""

    state: Literal["queued", "running", "thinking", "writing", "using_tools", "retrying"]
    detail: str
    turn_id: UUID
    message_id: UUID
    """Of the answer."""


@dataclass
class ChatTokenEvent:
    """SSE event `token`: the next piece of an answer, and where in its text it begins.

    `text[:at] + piece` is the text so far, counted in Unicode code points; so it does not matter
    how much of it was known before.
    """

    message_id: UUID
    at: int
    text: str


@dataclass
class ToolCallEvent:
    """SSE event `tool_call`: the agent uses a tool."""

    message_id: UUID
    id: str
    name: str
    arguments: str


@dataclass
class ToolResultEvent:
    """SSE event `tool_result`: what came of it; `sources` are new ones."""

    message_id: UUID
    id: str
    name: str
    ok: bool
    summary: str
    sources: list[SourceOut]


@dataclass
class UsageEvent:
    """SSE event `usage`: what the answer used so far, and the whole chat."""

    turn: ChatUsageOut
    chat: ChatUsageOut
