"""The state of a payment's page: the status of the payment, followed until it is final."""

import re
from contextlib import aclosing
from typing import Any

import reflex as rx
from httpx_sse import ServerSentEvent

from api.schemas.payments import CheckoutOut
from web.checkout.return_to import safe_return_path
from web.checkout.words import NO_PAYMENT, PaymentView, receipt, to_payment_view
from web.client.api import read_event
from web.client.payments import PaymentsClient
from web.client.stream import Pause, follow
from web.generate.state import GenerateState
from web.ui.forms import as_uuid
from web.ui.page_state import LoadedPage, Watcher

ADDRESS = re.compile(r"/checkout/([^/]+)(?:/cancelled)?/?")
WATCH_INTERVAL_S = 20.0
"""The interval of checking whether the page is still open."""


class CheckoutState(LoadedPage, Watcher, rx.State):
    """The page to which a buyer returns. The API alone decides whether something is paid."""

    status: str = ""
    payment: PaymentView = NO_PAYMENT
    receipt: list[tuple[str, str]] = []
    was_paid: bool = False
    return_path: str = rx.SessionStorage("", name="asked_at")
    """The path of the chat page from which the buyer came, in this tab."""
    chat_href: str = ""
    """The address of the chat in which the bought messages can be used."""
    generates: bool = False
    """Whether a factoid is generated as soon as it is paid."""
    generation: str = ""
    """The id of that generation once it has begun."""
    _id: str = ""

    @rx.event
    async def load_checkout(self):
        """Load the payment in the address."""
        match = ADDRESS.fullmatch(self.router.url.path)
        id_ = as_uuid(match[1]) if match else None
        self._id, self.status, self.generation = str(id_ or ""), "", ""
        self._new_run()
        events: list[Any] = []
        with self._loading():
            if id_:
                events = show_checkout(self, await PaymentsClient.for_visitor(self).checkout(id_))
        self.missing = self.missing or id_ is None
        return [*events, CheckoutState.watch]

    @rx.event(background=True)
    async def watch(self):
        """Follow the payment until it is finished or the page closed, through lost connections."""
        async with self:
            id_, run, api = as_uuid(self._id), self._run, PaymentsClient.for_visitor(self)
            finished = not self.status or is_finished(self)
        if not id_ or finished:
            return
        following = follow(
            lambda after: api.follow_checkout(id_, after=after),
            to_update,
            name=f"the payment {id_}",
            idle_s=WATCH_INTERVAL_S,
            repeat_idle=True,
            give_up=False,
        )
        async with aclosing(following) as updates:
            async for update in updates:
                async with self:
                    if not await self._is_current(run):
                        return
                    changed = isinstance(update, CheckoutOut)
                    events = show_checkout(self, update) if changed else []
                    finished = is_finished(self)
                for event in events:
                    yield event
                if finished and update is Pause.DISCONNECTED:
                    return


def to_update(event: ServerSentEvent) -> CheckoutOut | None:
    """The payment in an event; None for events that only keep the stream open."""
    return read_event(event, CheckoutOut) if event.event == "checkout" else None


def is_finished(page: CheckoutState) -> bool:
    """Whether the API sends no more about the payment."""
    if page.status in {"open", "processing"}:
        return False
    return not page.generates or bool(page.generation)


def show_checkout(page: CheckoutState, checkout: CheckoutOut) -> list[Any]:
    """Show a payment; returns the event that watches its generation once that has begun."""
    previous = page.generation
    page.status, page.receipt = checkout.status, receipt(checkout)
    page.payment = to_payment_view(checkout)
    page.generation = str(checkout.generation_request_id or "")
    page.was_paid = bool(checkout.paid_at)
    chat = safe_return_path(page.return_path) or "/chat"
    page.chat_href = chat if checkout.product == "chat" else ""
    page.generates = (
        checkout.wished
        and checkout.status == "paid"
        and not checkout.wish_given_up
        and (bool(page.generation) or not checkout.credits_revoked)
    )
    if page.generation and page.generation != previous:
        return [GenerateState.show(page.generation)]
    return []
