"""A payment after Stripe: how it stands, until what was bought is there."""

import asyncio
import logging
import re
from contextlib import aclosing
from typing import Any

import msgspec
import reflex as rx

from api.schemas.payments import CheckoutOut
from web.checkout.return_to import known_place
from web.checkout.words import NOTHING, Standing, receipt, standing
from web.client.api import ApiProblem, read
from web.client.payments import payments_for
from web.client.session import page_is_open
from web.factoid.votes import as_uuid
from web.generate.state import RETRIES_S, Generate
from web.ui.draft import with_pauses

ADDRESS = re.compile(r"/checkout/([^/]+)(?:/cancelled)?/?")
LOOK_S = 20.0
"""So often a page that waits is asked whether anybody still looks at it."""

log = logging.getLogger(__name__)


class Paying(rx.State):
    """The page a buyer comes back to. It only shows: whether something is paid, the API knows."""

    ready: bool = False
    missing: bool = False
    problem: str = ""
    status: str = ""
    standing: Standing = NOTHING
    receipt: list[tuple[str, str]] = []
    was_paid: bool = False
    back: str = rx.SessionStorage("", name="asked_at")
    """Where the buyer was asking something, in this tab."""
    talk_href: str = ""
    """Where to go on asking, with what was paid for that."""
    writes: bool = False
    """Whether something is written as soon as it is paid."""
    generation: str = ""
    """What is written, once it has begun."""
    _id: str = ""
    _run: int = 0
    """Counts the watchers: only the latest may write, so a second one ends the first."""

    @rx.event
    async def open(self):
        """Show the payment that the address names."""
        named = ADDRESS.fullmatch(self.router.url.path)
        id_ = as_uuid(named[1]) if named else None
        self._id, self.status, self.generation = str(id_ or ""), "", ""
        self.missing, self.problem = id_ is None, ""
        self._run += 1
        events: list[Any] = []
        if id_:
            try:
                events = take_in(self, await payments_for(self).checkout(id_))
            except ApiProblem as refusal:
                self.missing = refusal.problem.status == 404
                self.problem = "" if self.missing else refusal.problem.detail
        self.ready = True
        return [*events, Paying.watch]

    @rx.event(background=True)
    async def watch(self):
        """Follow the payment until it is finished or the page closed, through lost connections."""
        async with self:
            id_, run, api = as_uuid(self._id), self._run, payments_for(self)
            over = not self.status or is_over(self)
        misses, last_id = 0, ""
        while id_ and not over:
            try:
                following = api.follow_checkout(id_, after=last_id)
                async with aclosing(with_pauses(following, LOOK_S, each=True)) as events:
                    async for event in events:
                        async with self:
                            if self._run != run or not await page_is_open(self):
                                return
                            news = list[Any]()
                            if event and event.event == "checkout":
                                news = take_in(self, read(event, CheckoutOut))
                                last_id, misses = event.id or last_id, 0
                            over = is_over(self)
                        for one in news:
                            yield one
            except (ApiProblem, msgspec.MsgspecError) as lost:
                log.info("The stream of the payment %s was lost: %s", id_, lost)
            if not over:
                await asyncio.sleep(RETRIES_S[min(misses, len(RETRIES_S) - 1)])
                misses += 1
                async with self:
                    over = self._run != run or not await page_is_open(self)


def is_over(page: Paying) -> bool:
    """Whether the API tells no more of it."""
    if page.status in {"open", "processing"}:
        return False
    return not page.writes or bool(page.generation)


def take_in(page: Paying, out: CheckoutOut) -> list[Any]:
    """Show how a payment stands; what follows is the watching of what is written with it."""
    known = page.generation
    page.status, page.standing, page.receipt = out.status, standing(out), receipt(out)
    page.generation, page.was_paid = str(out.generation_request_id or ""), bool(out.paid_at)
    page.talk_href = (known_place(page.back) or "/chat") if out.product == "chat" else ""
    page.writes = (
        out.wished
        and out.status == "paid"
        and not out.wish_given_up
        and (bool(page.generation) or not out.credits_revoked)
    )
    if page.generation and page.generation != known:
        return [Generate.show(page.generation)]
    return []
