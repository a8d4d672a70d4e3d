"""The agent: a model answers, tools look things up, until the answer is there or a cap is met.

Only the worker imports this: LangGraph brings a lot with it.
"""

import re
from dataclasses import dataclass
from operator import add
from typing import Annotated, Any, TypedDict

import msgspec
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from domain.chat.answer_writer import AnswerWriter, Unsayable
from domain.chat.model_calls import Calls
from domain.chat.prompt import ANSWER_TOKENS, LEAK_DETECTOR, STEPS_AT_MOST, size
from domain.chat.spending import CHAT_TOKENS, TURN_TOKENS, Spent
from domain.chat.tools import Toolbox
from domain.llm.openrouter import ToolCall

AT_ONCE = 4
"""Tool calls of one reply that are looked at; a model that wants more can ask again."""

NOTHING_SAID = "I could not find an answer to that. Try asking in another way."
ONLY_SO_MANY = "Only the first few of your calls were looked at."

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


@dataclass(frozen=True)
class Work:
    """What the graph's steps work with."""

    calls: Calls
    toolbox: Toolbox
    writer: AnswerWriter
    before: Spent
    """What the chat had used before this turn."""
    goes_on: bool
    """Whether the answer was begun in an earlier turn."""


class Talk(TypedDict):
    messages: Annotated[list[dict[str, Any]], add]
    wanted: list[ToolCall]
    """The tools the last reply asked for."""
    left_out: int
    """How many more it asked for."""
    steps: int


async def answer(state: Talk, runtime: Runtime[Work]) -> dict[str, Any]:
    """Have the model reply. The last time it is offered no tools, so that it has to answer."""
    work, step = runtime.context, state["steps"] + 1
    spent = await work.calls.spent()
    left = TURN_TOKENS - spent.tokens
    needed = size(state["messages"], work.toolbox.schemas) + ANSWER_TOKENS
    if needed > left:
        return await _give_up(work, step)
    last = step >= STEPS_AT_MOST or work.toolbox.used_up or 2 * needed > left
    work.writer.begin_call(goes_on=work.goes_on and step == 1)
    if not last:
        await work.writer.status("thinking", "Thinking")
    tools = [] if last else work.toolbox.schemas
    reply = await work.calls.ask(state["messages"], tools, work.writer)
    await tell_usage(work)
    asked = [] if last else reply.calls
    wanted = _named(asked[:AT_ONCE], len(work.writer.tools))
    if LEAK_DETECTOR.matches("\n".join(map(_said_in, wanted))):
        # The reader is shown what is looked up, and the web is told.
        raise Unsayable
    if not wanted and not work.writer.text.strip():
        return await _give_up(work, step)
    said: dict[str, Any] = {"role": "assistant", "content": reply.said}
    if wanted:
        said["tool_calls"] = [_as_called(call) for call in wanted]
    left_out = len(asked) - len(wanted)
    return {"messages": [said], "wanted": wanted, "left_out": left_out, "steps": step}


async def use_tools(state: Talk, runtime: Runtime[Work]) -> dict[str, Any]:
    """Use the tools asked for, one after the other, so that sources are numbered in order."""
    work = runtime.context
    await work.writer.status("using_tools", "Looking things up")
    results: list[dict[str, Any]] = []
    for call in state["wanted"]:
        await work.writer.call_tool(call)
        used = await work.toolbox.use(call)
        await work.writer.tool_used(call, used)
        results.append({"role": "tool", "tool_call_id": call.id, "content": used.told})
    if state["left_out"]:
        results[-1]["content"] += f"\n{ONLY_SO_MANY}"
    return {"messages": results, "wanted": []}


def next_step(state: Talk) -> str:
    return "use_tools" if state["wanted"] else END


def build() -> Any:
    graph = StateGraph(Talk, context_schema=Work)
    graph.add_node("answer", answer)
    graph.add_node("use_tools", use_tools)
    graph.add_edge(START, "answer")
    graph.add_conditional_edges("answer", next_step, ["use_tools", END])
    graph.add_edge("use_tools", "answer")
    return graph.compile()


AGENT = build()


async def run(messages: list[dict[str, Any]], work: Work) -> None:
    """Answer the last of the messages.

    Raises:
        TurnEnded, ModelFailed, Unsayable: There is no whole answer.
    """
    await AGENT.ainvoke(
        {"messages": messages, "wanted": [], "left_out": 0, "steps": 0},
        context=work,
        # Far above what our own caps let happen.
        config={"recursion_limit": 4 * STEPS_AT_MOST},
    )


async def tell_usage(work: Work) -> None:
    """Tell what the turn and the chat have used so far."""
    turn = await work.calls.spent()
    chat = turn.and_before(work.before)
    told = {"turn": as_told(turn, TURN_TOKENS), "chat": as_told(chat, CHAT_TOKENS)}
    await work.writer.tell("usage", told)


def as_told(spent: Spent, most_tokens: int) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "tokens_left": max(0, most_tokens - spent.tokens),
        "cost_usd": spent.cost_usd,
        "settled": spent.settled,
        "calls": spent.calls,
    }


async def _give_up(work: Work, step: int) -> dict[str, Any]:
    await work.writer.say(NOTHING_SAID)
    return {"wanted": [], "steps": step}


def _named(asked: list[ToolCall], before: int) -> list[ToolCall]:
    """The calls by names of our own: a model's may be missing, or twice the same."""
    return [
        ToolCall(f"call_{before + place}", call.name, call.arguments)
        for place, call in enumerate(asked, 1)
    ]


def _said_in(call: ToolCall) -> str:
    """The words of a call, in JSON or in what was meant to be some."""
    words = _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)) if sign[1] else " ", call.arguments)
    return f"{call.name}\n{words}"


def _as_called(call: ToolCall) -> dict[str, Any]:
    """The call as the model is shown it again: what it wrote, if that can be sent."""
    try:
        msgspec.json.decode(call.arguments)
        arguments = call.arguments
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        arguments = "{}"
    name = call.name if _NAME.fullmatch(call.name) else "unknown"
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
