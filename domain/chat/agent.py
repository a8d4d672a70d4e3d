"""The agent: a model answers and tools look things up until the answer is there or a cap is met.

Only the worker imports this module, because LangGraph has many dependencies.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add
from typing import Annotated, Any, TypedDict
from uuid import uuid4

import msgspec
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from domain.chat import failures
from domain.chat.answer_writer import AnswerWithheld, AnswerWriter
from domain.chat.model_calls import ChatCaller
from domain.chat.prompt import ANSWER_TOKENS, LEAK_DETECTOR, STEPS_AT_MOST, size
from domain.chat.tools import Toolbox
from domain.chat.usage import CHAT_TOKENS, TURN_TOKENS, ChatUsage
from domain.llm.tool_calls import ToolCall
from domain.model_runs.failures import RunFailed

TOOL_CALLS_AT_ONCE = 4
"""Tool calls of one completion that are made; a model that wants more can ask again."""

NO_ANSWER = "I could not find an answer to that. Try asking in another way."
CALLS_SKIPPED = "Only the first few of your calls were looked at."

ID_LENGTH = 9
"""Of an id for a call that has none: letters and digits, which every provider takes; Mistral takes
no other length."""

CUT = {"length", "max_tokens", "max_output_tokens", "model_length"}
"""Why a completion ended that was longer than it may be, as providers spell it."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


@dataclass(frozen=True)
class AgentContext:
    """What the steps of the graph work with."""

    caller: ChatCaller
    toolbox: Toolbox
    writer: AnswerWriter
    earlier_usage: ChatUsage
    """What the chat had used before this turn."""
    continues: bool
    """Whether the answer was begun in an earlier turn."""


class AgentState(TypedDict):
    messages: Annotated[list[dict[str, Any]], add]
    tool_calls: list[ToolCall]
    """The tool calls of the last completion that are to be made."""
    skipped_calls: int
    """How many more it contained."""
    steps: int


async def answer(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """Call the model. In the last call it may use no tools, so that it has to answer."""
    context, step = runtime.context, state["steps"] + 1
    usage = await context.caller.usage()
    tokens_left = TURN_TOKENS - usage.tokens
    needed = size(state["messages"], context.toolbox.schemas) + ANSWER_TOKENS
    if needed > tokens_left:
        return await _give_up(context, step)
    last = step >= STEPS_AT_MOST or context.toolbox.used_up or 2 * needed > tokens_left
    context.writer.begin_call(continues=context.continues and step == 1)
    if not last:
        await context.writer.status("thinking", "Thinking")
    # Some providers refuse messages with tool calls in a request that declares no tools.
    tools = [] if last and step == 1 else context.toolbox.schemas
    completion = await context.caller.complete(state["messages"], tools, tools_allowed=not last)
    await publish_usage(context)
    requested = [] if last else completion.tool_calls
    tool_calls = requested[:TOOL_CALLS_AT_ONCE]
    renamed = give_ids(tool_calls, {tool["id"] for tool in context.writer.tools})
    if LEAK_DETECTOR.matches("\n".join(map(_words_of, tool_calls))):
        # Tool calls are shown to the reader, and sent to the web search.
        raise AnswerWithheld
    if not tool_calls and (completion.finish_reason or "").lower() in CUT:
        raise RunFailed(failures.TOO_LONG)
    if not tool_calls and not context.writer.text.strip():
        return await _give_up(context, step)
    message: dict[str, Any] = {"role": "assistant", "content": completion.content}
    if tool_calls:
        message["tool_calls"] = [_as_message(call) for call in tool_calls]
        message |= completion.reasoning.message_fields(renamed)
    skipped = len(requested) - len(tool_calls)
    return {
        "messages": [message],
        "tool_calls": tool_calls,
        "skipped_calls": skipped,
        "steps": step,
    }


async def use_tools(state: AgentState, runtime: Runtime[AgentContext]) -> dict[str, Any]:
    """Make the tool calls one after the other, so that sources are numbered in order."""
    context = runtime.context
    await context.writer.status("using_tools", "Looking things up")
    results: list[dict[str, Any]] = []
    for call in state["tool_calls"]:
        await context.writer.tool_called(call)
        result = await context.toolbox.call(call)
        await context.writer.tool_returned(call, result)
        results.append({"role": "tool", "tool_call_id": call.id, "content": result.content})
    if state["skipped_calls"]:
        results[-1]["content"] += f"\n{CALLS_SKIPPED}"
    return {"messages": results, "tool_calls": []}


def next_step(state: AgentState) -> str:
    return "use_tools" if state["tool_calls"] else END


def build() -> Any:
    graph = StateGraph(AgentState, context_schema=AgentContext)
    graph.add_node("answer", answer)
    graph.add_node("use_tools", use_tools)
    graph.add_edge(START, "answer")
    graph.add_conditional_edges("answer", next_step, ["use_tools", END])
    graph.add_edge("use_tools", "answer")
    return graph.compile()


AGENT = build()


async def run(messages: list[dict[str, Any]], context: AgentContext) -> None:
    """Answer the last of the messages.

    Raises:
        RunFailed, ModelFailed, AnswerWithheld: There is no complete answer.
    """
    await AGENT.ainvoke(
        {"messages": messages, "tool_calls": [], "skipped_calls": 0, "steps": 0},
        context=context,
        # Far above what our own caps allow.
        config={"recursion_limit": 4 * STEPS_AT_MOST},
    )


async def publish_usage(context: AgentContext) -> None:
    """Publish what the turn and the chat have used so far."""
    turn = await context.caller.usage()
    chat = turn + context.earlier_usage
    usage = {"turn": as_event(turn, TURN_TOKENS), "chat": as_event(chat, CHAT_TOKENS)}
    await context.writer.write_event("usage", usage)


def as_event(usage: ChatUsage, most_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "tokens_left": max(0, most_tokens - usage.tokens),
        "cost_usd": usage.cost_usd,
        "settled": usage.settled,
        "calls": usage.calls,
    }


async def _give_up(context: AgentContext, step: int) -> dict[str, Any]:
    await context.writer.add_paragraph(NO_ANSWER)
    return {"tool_calls": [], "steps": step}


def give_ids(calls: Sequence[ToolCall], taken: Iterable[str]) -> dict[str, str]:
    """Give an id to each call without one, or with one that is taken; returns the new ids of those
    that are used no more.
    """
    ids, renamed = set(taken), dict[str, str]()
    for call in calls:
        if not call.id or call.id in ids:
            new = uuid4().hex[:ID_LENGTH]
            renamed[call.id] = new
            call.id = new
        ids.add(call.id)
    return {old: new for old, new in renamed.items() if old not in {call.id for call in calls}}


def _words_of(call: ToolCall) -> str:
    """The text of a call, in JSON or in what was meant to be JSON."""
    words = _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", call.arguments)
    return f"{call.name}\n{words}"


def _as_message(call: ToolCall) -> dict[str, Any]:
    """The call as the model is shown it again, without arguments that are not JSON."""
    try:
        msgspec.json.decode(call.arguments)
        arguments = call.arguments
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        arguments = "{}"
    name = call.name if _NAME.fullmatch(call.name) else "unknown"
    return call.extra | {
        "id": call.id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
