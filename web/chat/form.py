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
from web.chat.words import messages_left_text, quote_text, to_refusal
from web.checkout.return_to import pricing_href
from web.client.api import ApiProblem
from web.client.chats import ChatsClient
from web.ui.client_store import dispatch
from web.ui.refusal import Refusal

PAYABLE_STATUSES = {402, 429}
"""HTTP statuses of refusals where a paid message is answered and a stored fact may do."""

log = logging.getLogger(__name__)


@dataclass
class NextMessage:
    """What the next message costs, and how many are left, as text."""

    price: str = ""
    left: str = ""
    paid_left: int = 0
    """Messages that are paid for and not used yet."""
    allowed: bool = False


class ChatForm(rx.State, mixin=True):
    """Part of every state with a box for messages."""

    next_message: NextMessage = NextMessage()
    refusal: Refusal | None = None
    pack: str = ""
    """The label of the offer to buy more messages; empty where nothing is sold."""
    buy_href: str = "/pricing"
    _retry_at: datetime | None = None
    """Until when one has to wait after a refusal."""

    @rx.event
    def dismiss(self):
        """Close a refusal."""
        self.refusal = None

    async def _refused(self, problem: Problem) -> list[Any]:
        """Say why there is no answer, and what there is instead."""
        offer = problem.status in PAYABLE_STATUSES
        # Where a credit was refused another one would be, too.
        pay = offer and (not self.next_message.paid_left or problem.code == "no_credits")
        self.refusal = to_refusal(problem, offer_vault=offer, offer_payment=pay)
        if pay:
            self.pack = await _pack(ChatsClient.for_visitor(self))
            self.buy_href = pricing_href(self._return_path())
        wait_s = problem.retry_after_s if offer else None
        self._retry_at = datetime.now(UTC) + timedelta(seconds=wait_s) if wait_s else None
        events = [dispatch("wait", problem.retry_after_s or 0), dispatch("scrollToLatest")]
        return events if problem.status >= 500 else [dispatch("answered"), *events]

    def _clear_stale_refusal(self) -> None:
        """Forget a refusal that does not outlast its page."""
        if self._retry_at is None:
            self.refusal = None

    def _resume_countdown(self) -> list[Any]:
        """Have the browser go on counting to the end of the wait."""
        if self.refusal is None or self._retry_at is None:
            return []
        left = self._retry_at - datetime.now(UTC)
        return [dispatch("wait", max(0, ceil(left.total_seconds())))]

    def _show_next_message(self, coming: NextMessage) -> None:
        """Show what comes next; a refusal is over once a message is allowed again."""
        self.next_message = coming
        if coming.allowed and self._retry_at:
            self.refusal = self._retry_at = None

    def _return_path(self) -> str:
        """The address to come back to after paying."""
        return self.router.url.path


async def read_next_message(api: ChatsClient, chat_id: UUID | None, model: str = "") -> NextMessage:
    """The next message of a chat, or the first of a new one."""
    try:
        quote = await (api.chat_quote(chat_id) if chat_id else api.first_quote(model))
        balances = (await api.credits()).balances
    except ApiProblem as refusal:
        return NextMessage(refusal.problem.detail)
    used = sum(balance.used for balance in balances if balance.product == "chat")
    left = messages_left_text(quote, used)
    return NextMessage(quote_text(quote), left, quote.credits_left, quote.allowed)


async def _pack(api: ChatsClient) -> str:
    try:
        return pack_text(await api.products())
    except ApiProblem as problem:
        log.warning("What can be bought cannot be shown: %s", problem)
        return ""


def pack_text(products: ProductsOut) -> str:
    """The offer to buy more messages."""
    packs = [product for product in products.products if product.key == "chat"]
    if products.payments == "off" or not packs:
        return ""
    return f"Get {packs[0].credits} messages for {packs[0].price}"
