"""What the next message would cost, and how many more may be sent."""

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import LanguageModel
from db.repositories.chats import ChatTurnRepository
from domain.caller import Caller
from domain.chat import prompt
from domain.chat.admission import Admission
from domain.chat.history import HISTORY_BYTES
from domain.chat.sessions import TOOLS, Chats
from domain.chat.tools import CALLS_AT_MOST, RESULT_BYTES, WEB_SEARCHES_AT_MOST, schemas
from domain.chat.turns import too_long, under_way
from domain.chat.usage import CHAT_TOKENS, usage_of
from domain.limits.rate_limit import LimiterAway
from domain.llm.catalogue import CatalogueService, worst_case_usd
from domain.spending.budget import STILL_FREE

RULES_BYTES = 8_000
"""For the rules, the factoid of a chat and the names around them."""


@dataclass(frozen=True)
class ChatQuote:
    model: str
    worst_case_usd: Decimal
    usual_usd: Decimal | None
    reason: str | None
    messages_left: int
    credits_left: int
    """Messages that are paid for."""
    tokens_left: int
    budget_left_usd: Decimal


class ChatQuotes:
    """Reads the limiter and the ledger, and changes neither."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        chats: Chats,
        catalogue: CatalogueService,
        admission: Admission,
        *,
        search_usd: Decimal,
    ) -> None:
        """A search of the web costs `search_usd`; 0 where there is none."""
        self._sessions = sessions
        self._chats = chats
        self._catalogue = catalogue
        self._admission = admission
        self._searches_usd = WEB_SEARCHES_AT_MOST * search_usd

    async def quote(self, caller: Caller, chat_id: UUID) -> ChatQuote:
        """What the next message would cost.

        Raises:
            ChatNotFound: It is not there, or another owner's.
            UnknownModel, NoModels: No model can answer.
        """
        chat = await self._chats.get(caller, chat_id)
        model = await self._chats.model_of(chat)
        tokens_left = max(0, CHAT_TOKENS - usage_of(chat.calls).tokens)
        quote = await self._quote(caller, model, tokens_left)
        if not chat.session.model_pinned:
            # Where this model fails, any of the others may answer.
            others = await self._catalogue.usable(None, besides=[model.id], needs=TOOLS)
            most_usd = max(map(worst_turn_usd, [model, *others])) + self._searches_usd
            quote = replace(quote, worst_case_usd=most_usd)
        if chat.answering:
            return replace(quote, reason=under_way().detail)
        return quote if tokens_left else replace(quote, reason=too_long().detail)

    async def quote_first(self, caller: Caller, model: str | None) -> ChatQuote:
        """What the first message of a new chat would cost, with this model or with the most
        expensive of those that the product chooses from.

        Raises:
            UnknownModel, NoModels: No model can answer.
        """
        usable = await self._catalogue.usable(model, needs=TOOLS)
        return await self._quote(caller, max(usable, key=worst_turn_usd), CHAT_TOKENS)

    async def _quote(self, caller: Caller, model: LanguageModel, tokens_left: int) -> ChatQuote:
        async with self._sessions() as session:
            least_usd = worst_turn_usd(model, steps=1)
            budget = await self._admission.budget_left(session, caller, least_usd)
            credits_left = await self._admission.credits_left(session, caller)
            usual_usd = await ChatTurnRepository(session).usual_usd(model.id)
        messages_left, reason = await self._messages_left(caller)
        if budget.state == "used_up":
            reason = f"There is not enough left of the budget for another message. {STILL_FREE}"
        if credits_left:
            reason = None  # One of them pays for the next.
        return ChatQuote(
            model=model.id,
            worst_case_usd=worst_turn_usd(model) + self._searches_usd,
            usual_usd=usual_usd,
            reason=reason,
            messages_left=messages_left,
            credits_left=credits_left,
            tokens_left=tokens_left,
            budget_left_usd=budget.left_usd,
        )

    async def _messages_left(self, caller: Caller) -> tuple[int, str | None]:
        try:
            state, reason = await self._admission.remaining(caller)
        except LimiterAway as away:
            return 0, away.detail
        return min((window.remaining for window in state.windows), default=0), reason


def worst_turn_usd(model: LanguageModel, steps: int = prompt.STEPS_AT_MOST) -> Decimal:
    """The most a turn of so many calls can cost, each with the largest prompt."""
    first_bytes = HISTORY_BYTES + RULES_BYTES + prompt.size([], schemas(web=True))
    # Each result is added once, and may be twice as long when it is escaped.
    later_bytes = first_bytes + 2 * CALLS_AT_MOST * RESULT_BYTES
    sizes = [first_bytes, *[later_bytes] * (steps - 1)]
    return sum((worst_case_usd(model, size, prompt.ANSWER_TOKENS) for size in sizes), Decimal(0))
