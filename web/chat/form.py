"""The state around a message form: the price, the messages left, and a refusal."""

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
from web.ui.refusal import RefusalView

PAYABLE_STATUSES = {402, 429}
"""HTTP statuses of refusals after which a paid message or a stored factoid is offered."""

log = logging.getLogger(__name__)


@dataclass
class NextMessage:
    """The price of the next message and the number of messages left, as text."""

    price: str = ""
    left: str = ""
    paid_left: int = 0
    """Messages that are paid for and not used yet."""
    allowed: bool = False


class ChatForm(rx.State, mixin=True):
    """The mixin of all states with a message form."""

    next_message: NextMessage = NextMessage()
    refusal: RefusalView | None = None
    pack: str = ""
    """The label of the offer to buy more messages; empty where nothing is sold."""
    buy_href: str = "/pricing"
    _retry_at: datetime | None = None
    """The end of the wait after a refusal; None without a wait."""

    @rx.event
    def dismiss(self):
        """Close a refusal."""
        self.refusal = None

    async def _refused(self, problem: Problem) -> list[Any]:
        """Show why there is no answer, and what is offered instead."""
        offer = problem.status in PAYABLE_STATUSES
        # With paid messages left, another one would be refused for the same reason.
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
        """Remove a refusal without a wait, which does not outlast its page."""
        if self._retry_at is None:
            self.refusal = None

    def _resume_countdown(self) -> list[Any]:
        """Continue the browser's countdown to the end of the wait."""
        if self.refusal is None or self._retry_at is None:
            return []
        left = self._retry_at - datetime.now(UTC)
        return [dispatch("wait", max(0, ceil(left.total_seconds())))]

    def _show_next_message(self, next_message: NextMessage) -> None:
        """Show the next message, and end a refusal with a wait once a message is allowed again."""
        self.next_message = next_message
        if next_message.allowed and self._retry_at:
            self.refusal = self._retry_at = None

    def _return_path(self) -> str:
        """The address to come back to after paying."""
        return self.router.url.path


async def read_next_message(api: ChatsClient, chat_id: UUID | None, model: str = "") -> NextMessage:
    """The next message of a chat, or the first of a new one; on a refusal only its reason."""
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
