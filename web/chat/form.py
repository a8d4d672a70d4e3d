"""What stands around the box of a chat: the price, what is left, and why there is no answer."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

import reflex as rx

from api.schemas.payments import ProductsOut
from api.schemas.problem import Problem
from web.chat.words import left_words, quote_words, refused_words
from web.checkout.return_to import prices_from
from web.client.api import ApiProblem
from web.client.chats import ChatsClient, chats_for
from web.generate.form import Trouble
from web.ui.client_store import tell

MAY_BE_PAID = {402, 429}
"""Where a free message is refused so, a paid one is answered and a stored fact may do."""

log = logging.getLogger(__name__)


@dataclass
class Prospect:
    """What the next message costs, and how many are left, in words."""

    price: str = ""
    left: str = ""
    paid_for: int = 0
    """Messages that are paid for and not used yet."""
    allowed: bool = False


class ChatAsking(rx.State, mixin=True):
    """Of every state with a box in which something is asked."""

    prospect: Prospect = Prospect()
    trouble: Trouble | None = None
    pack: str = ""
    """What some more messages are offered with; empty where there are none to be bought."""
    buy_href: str = "/pricing"
    _free_at: datetime | None = None
    """Until when one has to wait after a refusal."""

    @rx.event
    def dismiss(self):
        """Put a refusal away."""
        self.trouble = None

    async def _refused(self, problem: Problem) -> list[Any]:
        """Say why there is no answer, and what there is instead."""
        offer = problem.status in MAY_BE_PAID
        # Where a credit was refused another one would be, too.
        pay = offer and (not self.prospect.paid_for or problem.code == "no_credits")
        self.trouble = refused_words(problem, offer=offer, pay=pay)
        if pay:
            self.pack, self.buy_href = await _pack(chats_for(self)), prices_from(self._place())
        wait_s = problem.retry_after_s if offer else None
        self._free_at = datetime.now(UTC) + timedelta(seconds=wait_s) if wait_s else None
        events = [tell("wait", problem.retry_after_s or 0), tell("atLatest")]
        return events if problem.status >= 500 else [tell("answered"), *events]

    def _begin_anew(self) -> None:
        """Forget a refusal that does not outlast its page."""
        if self._free_at is None:
            self.trouble = None

    def _wait_on(self) -> list[Any]:
        """Have the browser go on counting to the end of the waiting."""
        if self.trouble is None or self._free_at is None:
            return []
        left = self._free_at - datetime.now(UTC)
        return [tell("wait", max(0, ceil(left.total_seconds())))]

    def _expect(self, coming: Prospect) -> None:
        """Show what comes next; a refusal is over when there may be an answer again."""
        self.prospect = coming
        if coming.allowed and self._free_at:
            self.trouble = self._free_at = None

    def _place(self) -> str:
        """The address to come back to."""
        return self.router.url.path


async def prospect(api: ChatsClient, chat_id: UUID | None, model: str = "") -> Prospect:
    """Of the next message of a chat, or the first of a new one."""
    try:
        quote = await (api.chat_quote(chat_id) if chat_id else api.first_quote(model))
        bought = (await api.credits()).balances
    except ApiProblem as refusal:
        return Prospect(refusal.problem.detail)
    used = sum(one.used for one in bought if one.product == "chat")
    return Prospect(quote_words(quote), left_words(quote, used), quote.credits_left, quote.allowed)


async def _pack(api: ChatsClient) -> str:
    try:
        return pack_words(await api.products())
    except ApiProblem as problem:
        log.warning("What can be bought cannot be shown: %s", problem)
        return ""


def pack_words(products: ProductsOut) -> str:
    """What is offered to who has no more free messages."""
    chats = [one for one in products.products if one.key == "chat"]
    if products.payments == "off" or not chats:
        return ""
    return f"Get {chats[0].credits} messages for {chats[0].price}"
