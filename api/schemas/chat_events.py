"""The server-sent events of a chat's streams."""

from dataclasses import dataclass, replace
from typing import Literal, Self
from uuid import UUID

from api.schemas.chat_messages import ChatMessageOut, ChatUsageOut, SourceOut, TurnOut


@dataclass
class TurnBegunOut:
    """SSE event `turn`: a turn has begun."""

    turn_id: UUID

    @classmethod
    def example(cls) -> Self:
        return cls(TurnOut.example().id)


@dataclass
class ChatStatusEvent:
    """SSE event `status`: the state of the answer."""

    state: Literal["queued", "running", "thinking", "writing", "using_tools", "retrying"]
    detail: str
    turn_id: UUID
    message_id: UUID
    """Of the answer."""

    @classmethod
    def example(cls) -> Self:
        return cls("thinking", "Thinking", TurnOut.example().id, ChatMessageOut.example().id)


@dataclass
class ChatTokenEvent:
    """SSE event `token`: the next piece of an answer, and where in its text it begins.

    `text[:at] + piece` is the text so far, counted in Unicode code points; so it does not matter
    how much of it was known before.
    """

    message_id: UUID
    at: int
    text: str

    @classmethod
    def example(cls) -> Self:
        return cls(ChatMessageOut.example().id, 0, "Two pump")


@dataclass
class ToolCallEvent:
    """SSE event `tool_call`: the agent uses a tool."""

    message_id: UUID
    id: str
    name: str
    arguments: str

    @classmethod
    def example(cls) -> Self:
        answer = ChatMessageOut.example()
        tool = answer.tools[0]
        return cls(answer.id, tool.id, tool.name, tool.arguments)


@dataclass
class ToolResultEvent:
    """SSE event `tool_result`: the result of a tool, and its new sources."""

    message_id: UUID
    id: str
    name: str
    ok: bool
    summary: str
    sources: list[SourceOut]

    @classmethod
    def example(cls) -> Self:
        answer = ChatMessageOut.example()
        tool = answer.tools[0]
        return cls(answer.id, tool.id, tool.name, True, tool.summary, answer.sources)


@dataclass
class UsageEvent:
    """SSE event `usage`: the usage of the answer so far, and of the whole chat."""

    turn: ChatUsageOut
    chat: ChatUsageOut

    @classmethod
    def example(cls) -> Self:
        turn = ChatUsageOut.example()
        return cls(turn, chat=replace(turn, tokens_left=298_699))
