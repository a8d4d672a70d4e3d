"""The texts of a chat: messages, tools and sources as its page shows them, and refusals."""

from dataclasses import dataclass, field

import msgspec

from api.schemas.chat_messages import ChatMessageOut, ChatUsageOut, SourceOut, ToolUseOut
from api.schemas.chats import ChatQuoteOut, SharedMessageOut
from api.schemas.problem import Problem
from web.chat.markdown_parser import Block, blocks, http_address
from web.generate.words import VAULT_HINT
from web.ui.format import format_usd
from web.ui.refusal import RefusalView

TOOL_TITLES = {
    "search_factoids": "Search our factoids",
    "get_factoid": "Read a factoid",
    "related_factoids": "Look for related factoids",
    "web_search": "Search the web",
}
ENDED_TEXT = {
    "stopped": "Stopped. What was said is kept.",
    "interrupted": "Interrupted: the overlord who wrote this was called away.",
    "failed": "It did not work out.",
}
TITLES = {
    "rate_limited": "You have had your free messages for now",
    "chat_limit": "You have had your free messages for now",
    "no_credits": "No credits left",
    "budget_used_up": "Today's money for chatting is spent",
    "too_dear": "Today's money for chatting is spent",
    "no_models": "All our overlords are out",
    "unknown_model": "That overlord has left the building",
    "chat_used_up": "This chat has said all it may",
    "turn_under_way": "One answer at a time",
    "not_found": "No such chat",
    "chat_not_found": "No such chat",
    "unreachable": "Our overlords are not picking up",
}
DEFAULT_HINT = "What you wrote is kept in the box."
HINTS = {
    "chat_limit": f"{DEFAULT_HINT} {VAULT_HINT}",
    "rate_limited": f"{DEFAULT_HINT} {VAULT_HINT}",
    "budget_used_up": f"There is more at midnight UTC. {DEFAULT_HINT} {VAULT_HINT}",
    "chat_used_up": "Begin a new one: it starts afresh and cheaply.",
    "no_models": f"Try again in a few minutes. {DEFAULT_HINT}",
    "unknown_model": "Begin a new chat and leave the choice to us.",
    "turn_under_way": "Wait for it, or stop it.",
}

COUNTDOWN_CODES = {"chat_limit", "rate_limited", "budget_used_up"}
"""Refusals whose detail the countdown already shows."""

SUGGESTIONS = (
    "What is the strangest fact you know?",
    "Tell me something odd about octopuses.",
    "Which of your facts should I doubt most?",
)
FACTOID_SUGGESTIONS = (
    "Is this really true?",
    "Why is that so?",
    "Tell me something related.",
)

MAX_MESSAGE_LENGTH = 4_000
TOO_LONG = Problem(
    "Too long",
    400,
    f"A message has at most {MAX_MESSAGE_LENGTH:,} characters. Say it in fewer, or in two "
    "messages.",
    "invalid",
    "",
)


@dataclass
class SourceView:
    """A source of an answer."""

    label: str
    title: str
    href: str
    host: str


@dataclass
class ToolView:
    """One use of a tool by the agent. Its state is running, done or failed."""

    id: str
    title: str
    arguments: str
    summary: str
    state: str


@dataclass
class MessageView:
    """A message of a chat."""

    id: str
    mine: bool
    text: str
    blocks: list[Block] = field(default_factory=list[Block])
    tools: list[ToolView] = field(default_factory=list[ToolView])
    sources: list[SourceView] = field(default_factory=list[SourceView])
    cost: str = ""
    ended_early: str = ""
    """Why an answer ended early."""
    can_continue: bool = False
    """Whether it can be continued."""
    branch: str = ""
    """Which of several branches this is; empty where there is only one."""
    previous_branch: str = ""
    next_branch: str = ""
    """The ids of the messages that begin the branches before and after this one."""


def to_message_view(message: ChatMessageOut, *, last: bool = False) -> MessageView:
    """A message as the page shows it; only the last one can be continued."""
    ids = [str(id_) for id_ in message.siblings]
    position = ids.index(str(message.id)) if str(message.id) in ids else 0
    mine = message.role == "user"
    problem = message.problem.detail if message.problem else ""
    return MessageView(
        id=str(message.id),
        mine=mine,
        text=message.text,
        blocks=[] if mine else blocks(message.text, addresses(message.sources)),
        tools=[to_tool_view(tool) for tool in message.tools],
        sources=[to_source_view(source) for source in message.sources],
        cost=usage_text(message.usage) if message.usage else "",
        ended_early=problem or ENDED_TEXT.get(message.status, ""),
        can_continue=last and message.status in ENDED_TEXT,
        branch=f"{position + 1} of {len(ids)}" if len(ids) > 1 else "",
        previous_branch=ids[position - 1] if position else "",
        next_branch=ids[position + 1] if position + 1 < len(ids) else "",
    )


def to_shared_view(message: SharedMessageOut, number: int) -> MessageView:
    """A message of a shared chat, which has no id of its own."""
    mine = message.role == "user"
    return MessageView(
        id=f"shared-{number}",
        mine=mine,
        text=message.text,
        blocks=[] if mine else blocks(message.text, addresses(message.sources)),
        sources=[to_source_view(source) for source in message.sources],
    )


def addresses(sources: list[SourceOut]) -> dict[int, str]:
    """The address of each source, by its number."""
    return {source.number: href for source in sources if (href := _href(source))}


def to_source_view(source: SourceOut) -> SourceView:
    host = "" if source.factoid_id else http_address(source.url)[1]
    return SourceView(str(source.number), source.title or source.url, _href(source), host)


def to_tool_view(tool: ToolUseOut) -> ToolView:
    state = "running" if tool.ok is None else "done" if tool.ok else "failed"
    return ToolView(
        id=tool.id,
        title=TOOL_TITLES.get(tool.name, tool.name),
        arguments=arguments_text(tool.arguments),
        summary=tool.summary,
        state=state,
    )


def arguments_text(arguments: str) -> str:
    """The arguments of a tool, readable where they are an object of plain values."""
    try:
        values = msgspec.json.decode(arguments, type=dict[str, str | int | float | bool | None])
    except (msgspec.MsgspecError, RecursionError):
        return arguments
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in values.items())


def usage_text(usage: ChatUsageOut) -> str:
    """The cost of an answer.

    >>> usage_text(ChatUsageOut(700, 112, 0, Decimal("0.00042"), True, 1))
    '$0.00042 · 812 tokens'
    """
    about = "" if usage.settled else "at most "
    return f"{about}{format_usd(usage.cost_usd)} · {_tokens(usage):,} tokens"


def meter_text(usage: ChatUsageOut) -> str:
    """The cost of a chat so far and the tokens left."""
    about = "" if usage.settled else "at most "
    return f"{about}{format_usd(usage.cost_usd)} so far · {usage.tokens_left:,} tokens left"


def quote_text(quote: ChatQuoteOut) -> str:
    """The price of the next message, or the first sentence of why it is refused."""
    if quote.reason:
        # The notice of the refusal shows the rest.
        return quote.reason.partition(". ")[0].rstrip(".") + "."
    usual = f"usually {format_usd(quote.usual_usd)}, " if quote.usual_usd is not None else ""
    return f"Next: {usual}at most {format_usd(quote.worst_case_usd)}"


def messages_left_text(quote: ChatQuoteOut, used: int = 0) -> str:
    """How many messages are free and how many paid for; `used` counts the paid ones used."""
    number = quote.messages_left
    free = f"{number} free {'message' if number == 1 else 'messages'} left"
    if not quote.credits_left and not used:
        return free
    return f"{free} · {quote.credits_left} paid for" + (f" ({used} used)" if used else "")


def to_refusal(
    problem: Problem, *, offer_vault: bool = False, offer_payment: bool = False
) -> RefusalView:
    """A refusal as the page shows it."""
    shown = "" if problem.code in COUNTDOWN_CODES else problem.detail
    parts = [
        shown,
        *(error.detail for error in problem.errors if error.detail not in problem.detail),
    ]
    return RefusalView(
        code=problem.code,
        title=TITLES.get(problem.code, "That did not work"),
        detail=" ".join(part for part in parts if part),
        hint=HINTS.get(problem.code, DEFAULT_HINT),
        request_id=problem.request_id if problem.status >= 500 else "",
        offer_vault=offer_vault,
        offer_payment=offer_payment,
    )


def _href(source: SourceOut) -> str:
    return f"/f/{source.factoid_id}" if source.factoid_id else http_address(source.url)[0]


def _tokens(usage: ChatUsageOut) -> int:
    return usage.prompt_tokens + usage.completion_tokens
