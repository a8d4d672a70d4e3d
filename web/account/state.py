"""A visitor's account: what is left of what they bought, every movement of it, every payment."""

from dataclasses import dataclass
from datetime import UTC

import reflex as rx

from api.schemas.credits import BalanceOut, CreditsOut, EntryOut
from api.schemas.payments import CheckoutOut
from web.checkout.words import NAMES, STATES, THINGS
from web.client.api import ApiProblem
from web.client.payments import payments_for
from web.factoid.card import exact
from web.keys.state import day, said
from web.ui.client_store import tell

MOVED = {
    "grant": "Bought",
    "hold": "Set aside for what was asked for",
    "use": "Delivered",
    "give_back": "Not delivered, so it is yours again",
    "revoke": "Gone with the money that went back",
    "restore": "Here again with the money",
}
"""The kinds of movements, in the words of the page."""

SHOWN = ("paid", "refunded", "disputed", "processing")
"""Payments that have come to something; those that never did are nobody's history."""


@dataclass
class Balance:
    """What is left of a product."""

    product: str
    left: int
    things: str
    rest: str
    """What became of the others."""


@dataclass
class Movement:
    words: str
    product: str
    at: str
    when: str
    change: str
    """By how much it changed what is left, with its sign; empty when it did not."""
    left: str
    """What was left afterwards."""


@dataclass
class Payment:
    """A payment with its receipt, in words."""

    id: str
    href: str
    what: str
    state: str
    on: str
    paid: str
    refunded: str


class Account(rx.State):
    """The account's page. A recovery link never rests here: it goes to the browser once."""

    balances: list[Balance] = []
    movements: list[Movement] = []
    payments: list[Payment] = []
    payments_on: bool = False
    ready: bool = False
    problem: str = ""
    making: bool = False
    refused: str = ""

    @rx.event
    async def open(self):
        """Show what there is."""
        api = payments_for(self)
        try:
            credits, checkouts = await api.credits(), await api.checkouts()
            self.payments_on = (await api.products()).payments == "on"
        except ApiProblem as refusal:
            self.problem = said(refusal)
        else:
            self.problem = ""
            self.balances = [to_balance(one) for one in credits.balances]
            self.movements = movements(credits)
            self.payments = [to_payment(one) for one in checkouts if one.status in SHOWN]
        self.ready = True

    @rx.event
    async def make_link(self):
        """Make a recovery link and show it, this once."""
        if self.making:
            return
        self.making, self.refused = True, ""
        yield
        try:
            made = await payments_for(self).recovery_link()
        except ApiProblem as refusal:
            self.refused = said(refusal)
        else:
            yield tell("recoveryLink", {"link": made.link, "until": day(made.expires_at)})
        self.making = False


def to_balance(balance: BalanceOut) -> Balance:
    others = {
        "set aside": balance.held,
        "used": balance.used,
        "gone with money that went back": balance.revoked,
    }
    rest = [f"{count} {words}" for words, count in others.items() if count]
    return Balance(
        product=NAMES[balance.product],
        left=balance.left,
        things=THINGS[balance.product],
        rest=", ".join([f"{balance.granted} bought", *rest]),
    )


def movements(credits: CreditsOut) -> list[Movement]:
    """The history, newest first, each with what was left after it."""
    left = {one.product: one.left for one in credits.balances}
    found: list[Movement] = []
    for entry in credits.history:
        after = left.get(entry.product, 0)
        left[entry.product] = after - entry.left_change
        found.append(to_movement(entry, after))
    return found


def to_movement(entry: EntryOut, left: int) -> Movement:
    at = entry.at.astimezone(UTC)
    return Movement(
        words=MOVED[entry.kind],
        product=NAMES[entry.product],
        at=at.isoformat(),
        when=exact(at),
        change=f"{entry.left_change:+d}".replace("-", "−") if entry.left_change else "",
        left=f"{left} left",
    )


def to_payment(out: CheckoutOut) -> Payment:
    return Payment(
        id=str(out.id),
        href=f"/checkout/{out.id}",
        what=f"{NAMES[out.product]}: {out.credits} {THINGS[out.product]}",
        state=STATES[out.status],
        on=exact((out.paid_at or out.created_at).astimezone(UTC)),
        paid=out.paid_text if out.paid_at else out.price,
        refunded=f"{out.refunded_text} paid back" if out.refunded else "",
    )
