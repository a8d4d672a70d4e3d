"""A chat as its page shows it: messages, tools and sources in words, and why one was refused."""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from api.schemas.chats import (
    ChatMessageOut,
    ChatQuoteOut,
    ChatUsageOut,
    SharedMessageOut,
    SourceOut,
    ToolUseOut,
)
from api.schemas.problem import Problem
from web.chat.markup import Block, blocks, web_address
from web.generate.form import Trouble
from web.generate.words import VAULT

TOOLS = {
    "search_factoids": "Search our factoids",
    "get_factoid": "Read a factoid",
    "related_factoids": "Look for related factoids",
    "web_search": "Search the web",
}
ENDED = {
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
KEPT = "What you wrote is kept in the box."
HINTS = {
    "chat_limit": f"{KEPT} {VAULT}",
    "rate_limited": f"{KEPT} {VAULT}",
    "budget_used_up": f"There is more at midnight UTC. {KEPT} {VAULT}",
    "chat_used_up": "Begin a new one: it starts afresh and cheaply.",
    "no_models": f"Try again in a few minutes. {KEPT}",
    "unknown_model": "Begin a new chat and leave the choice to us.",
    "turn_under_way": "Wait for it, or stop it.",
}

SAID_BY_THE_COUNTDOWN = {"chat_limit", "rate_limited", "budget_used_up"}

TOO_MUCH = 4_000
TOO_LONG = f"A message has at most {TOO_MUCH:,} characters. Say it in fewer, or in two messages."


@dataclass
class Source:
    """Something an answer is from."""

    label: str
    title: str
    href: str
    host: str


@dataclass
class ToolUse:
    """Something the agent looked up."""

    id: str
    title: str
    asked: str
    found: str
    state: str


@dataclass
class Said:
    """A message of a chat."""

    id: str
    mine: bool
    text: str
    blocks: list[Block] = field(default_factory=list[Block])
    tools: list[ToolUse] = field(default_factory=list[ToolUse])
    sources: list[Source] = field(default_factory=list[Source])
    cost: str = ""
    trouble: str = ""
    """Why an answer ended early."""
    goes_on: bool = False
    """Whether it can be continued."""
    place: str = ""
    """Which of several branches this is; empty where there is one."""
    before: str = ""
    after: str = ""
    """The branches beside it."""


def to_said(message: ChatMessageOut, *, last: bool = False) -> Said:
    """A message; what may still be done with it depends on whether it is the last one."""
    ids = [str(one) for one in message.siblings]
    own = ids.index(str(message.id)) if str(message.id) in ids else 0
    mine = message.role == "user"
    problem = message.problem.detail if message.problem else ""
    return Said(
        id=str(message.id),
        mine=mine,
        text=message.text,
        blocks=[] if mine else blocks(message.text, addresses(message.sources)),
        tools=[to_tool(tool) for tool in message.tools],
        sources=[to_source(source) for source in message.sources],
        cost=answer_words(message.usage) if message.usage else "",
        trouble=problem or ENDED.get(message.status, ""),
        goes_on=last and message.status in ENDED,
        place=f"{own + 1} of {len(ids)}" if len(ids) > 1 else "",
        before=ids[own - 1] if own else "",
        after=ids[own + 1] if own + 1 < len(ids) else "",
    )


def to_shared(message: SharedMessageOut, number: int) -> Said:
    """The same for a stranger."""
    mine = message.role == "user"
    return Said(
        id=f"shared-{number}",
        mine=mine,
        text=message.text,
        blocks=[] if mine else blocks(message.text, addresses(message.sources)),
        sources=[to_source(source) for source in message.sources],
    )


def addresses(sources: list[SourceOut]) -> dict[int, str]:
    """Where a reader opens each source, by its number."""
    return {one.number: href for one in sources if (href := _href(one))}


def to_source(source: SourceOut) -> Source:
    host = "" if source.factoid_id else web_address(source.url)[1]
    return Source(str(source.number), source.title or source.url, _href(source), host)


def to_tool(tool: ToolUseOut) -> ToolUse:
    state = "running" if tool.ok is None else "done" if tool.ok else "failed"
    return ToolUse(
        id=tool.id,
        title=TOOLS.get(tool.name, tool.name),
        asked=asked_words(tool.arguments),
        found=tool.summary,
        state=state,
    )


def asked_words(arguments: str) -> str:
    """What a tool was asked, as words where it is an object of plain values."""
    try:
        asked = msgspec.json.decode(arguments, type=dict[str, str | int | float | bool | None])
    except (msgspec.MsgspecError, RecursionError):
        return arguments
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in asked.items())


def answer_words(usage: ChatUsageOut) -> str:
    """What an answer took.

    >>> answer_words(ChatUsageOut(700, 112, 0, Decimal("0.00042"), True, 1))
    '$0.00042 · 812 tokens'
    """
    about = "" if usage.settled else "at most "
    return f"{about}{dollars(usage.cost_usd)} · {_tokens(usage):,} tokens"


def meter_words(usage: ChatUsageOut) -> str:
    """What was spent and what is left of it."""
    about = "" if usage.settled else "at most "
    return f"{about}{dollars(usage.cost_usd)} so far · {usage.tokens_left:,} tokens left"


def quote_words(quote: ChatQuoteOut) -> str:
    """What the next message costs, or why there is none."""
    if quote.reason:
        # What else there is to do is said where one is refused.
        return quote.reason.partition(". ")[0].rstrip(".") + "."
    usual = f"usually {dollars(quote.usual_usd)}, " if quote.usual_usd is not None else ""
    return f"Next: {usual}at most {dollars(quote.worst_case_usd)}"


def left_words(quote: ChatQuoteOut, used: int = 0) -> str:
    """How many messages are free, and how many paid for; `used` is how many of those were used."""
    number = quote.messages_left
    free = f"{number} free {'message' if number == 1 else 'messages'} left"
    if not quote.credits_left and not used:
        return free
    return f"{free} · {quote.credits_left} paid for" + (f" ({used} used)" if used else "")


def dollars(usd: Decimal) -> str:
    """An amount in dollars, to two digits that count.

    >>> dollars(Decimal("0.00042137")), dollars(Decimal("1.5")), dollars(Decimal(0))
    ('$0.00042', '$1.50', '$0')
    """
    if usd == 0:
        return "$0"
    if usd >= Decimal("0.1"):
        return f"${usd:.2f}"
    digits = 1 - usd.adjusted()
    return f"${usd:.{digits}f}"


def refused_words(problem: Problem, *, offer: bool = False, pay: bool = False) -> Trouble:
    """Why there is no answer, and what to do next."""
    said = "" if problem.code in SAID_BY_THE_COUNTDOWN else problem.detail
    detail = [said, *(e.detail for e in problem.errors if e.detail not in problem.detail)]
    return Trouble(
        code=problem.code,
        title=TITLES.get(problem.code, "That did not work"),
        detail=" ".join(part for part in detail if part),
        hint=HINTS.get(problem.code, KEPT),
        request_id=problem.request_id if problem.status >= 500 else "",
        offer=offer,
        pay=pay,
    )


def _href(source: SourceOut) -> str:
    return f"/f/{source.factoid_id}" if source.factoid_id else web_address(source.url)[0]


def _tokens(usage: ChatUsageOut) -> int:
    return usage.prompt_tokens + usage.completion_tokens
