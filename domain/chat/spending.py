"""What turns and chats have used and cost, and may use at most; pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from db.models import ChatCall
from db.models.chat import WEB_SEARCH

TURN_TOKENS = 120_000
"""What one turn may use, of all its calls together."""

CHAT_TOKENS = 300_000
"""What one chat may use; a new one begins anew."""


@dataclass(frozen=True)
class Spent:
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal
    """A call whose cost is not known yet counts as its worst case."""
    settled: bool
    """Whether all of it is known."""
    calls: int
    """Of models; what searches of the web cost is counted, they are not."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def and_before(self, other: "Spent") -> "Spent":
        return Spent(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
            self.settled and other.settled,
            self.calls + other.calls,
        )


def spent_on(calls: Iterable[ChatCall]) -> Spent:
    """What these calls have used so far."""
    made = [call for call in calls if call.state not in {"held", "unbilled"}]
    costs = [call.quote_usd if call.cost_usd is None else call.cost_usd for call in made]
    return Spent(
        sum(call.prompt_tokens or 0 for call in made),
        sum(call.completion_tokens or 0 for call in made),
        sum(costs, Decimal(0)),
        all(call.state == "settled" for call in made),
        sum(call.model != WEB_SEARCH for call in made),
    )
