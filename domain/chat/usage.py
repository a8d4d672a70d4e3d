"""What turns and chats have used, and may use at most; pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from db.models import ChatCall
from db.models.chat import WEB_SEARCH

TURN_TOKENS = 120_000
"""What all calls of one turn may use together."""

CHAT_TOKENS = 300_000
"""What all turns of one chat may use together."""

UNMADE = {"held", "unbilled"}
"""States of a call that has not reached a model, or that no model has answered."""


@dataclass(frozen=True)
class ChatUsage:
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal
    """A call whose cost is not known yet counts as its worst case."""
    settled: bool
    """Whether the cost of every call is known."""
    calls: int
    """Of models. Web searches count in the cost, but not here."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "ChatUsage") -> "ChatUsage":
        return ChatUsage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
            self.settled and other.settled,
            self.calls + other.calls,
        )


def usage_of(calls: Iterable[ChatCall]) -> ChatUsage:
    """What these calls have used so far."""
    made = [call for call in calls if call.state not in UNMADE]
    return ChatUsage(
        sum(call.prompt_tokens or 0 for call in made),
        sum(call.completion_tokens or 0 for call in made),
        sum((call.most_usd for call in made), Decimal(0)),
        all(call.state == "settled" for call in made),
        sum(call.model != WEB_SEARCH for call in made),
    )
