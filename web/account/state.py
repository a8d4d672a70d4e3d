"""The state of the account page: credits, every movement of them, every payment."""

from dataclasses import dataclass
from datetime import UTC

import reflex as rx

from api.schemas.credits import BalanceOut, CreditsOut, EntryOut
from api.schemas.payments import CheckoutOut
from web.checkout.words import PRODUCT_NAMES, PRODUCT_UNITS, STATUS_LABELS
from web.client.api import ApiProblem
from web.client.payments import PaymentsClient
from web.ui.client_store import dispatch
from web.ui.format import format_date, format_datetime
from web.ui.page_state import LoadedPage

MOVEMENT_LABELS = {
    "grant": "Bought",
    "hold": "Set aside for what was asked for",
    "use": "Delivered",
    "give_back": "Not delivered, so it is yours again",
    "revoke": "Gone with the money that went back",
    "restore": "Here again with the money",
}
"""The kinds of movements of credits, with their labels."""

LISTED_STATUSES = ("paid", "refunded", "disputed", "processing")
"""The payments that are listed: those that were made, or still may be."""


@dataclass
class Balance:
    """The credits of a product."""

    product: str
    left: int
    unit: str
    rest: str
    """The numbers of the other credits: bought, held, used and revoked."""


@dataclass
class Movement:
    """An entry of the history of credits."""

    label: str
    product: str
    at: str
    at_text: str
    change: str
    """The signed change of what is left; empty when there was none."""
    left: str
    """What was left afterwards."""


@dataclass
class Payment:
    """A payment as the list shows it."""

    id: str
    href: str
    what: str
    state: str
    on: str
    paid: str
    refunded: str


class AccountState(LoadedPage, rx.State):
    """The account page. A recovery link is never kept here: it goes to the browser once."""

    balances: list[Balance] = []
    movements: list[Movement] = []
    payments: list[Payment] = []
    payments_on: bool = False
    making: bool = False
    refused: str = ""

    @rx.event
    async def load_account(self):
        """Load the credits, their movements and the payments."""
        api = PaymentsClient.for_visitor(self)
        with self._loading():
            credits, checkouts = await api.credits(), await api.checkouts()
            self.payments_on = (await api.products()).payments == "on"
            self.balances = [to_balance(balance) for balance in credits.balances]
            self.movements = movements(credits)
            listed = [checkout for checkout in checkouts if checkout.status in LISTED_STATUSES]
            self.payments = [to_payment(checkout) for checkout in listed]

    @rx.event
    async def make_link(self):
        """Create a recovery link and show it once."""
        if self.making:
            return
        self.making, self.refused = True, ""
        yield
        try:
            recovery = await PaymentsClient.for_visitor(self).recovery_link()
        except ApiProblem as refusal:
            self.refused = refusal.full_detail
        else:
            yield dispatch(
                "showRecoveryLink",
                {"link": recovery.link, "until": format_date(recovery.expires_at)},
            )
        self.making = False


def to_balance(balance: BalanceOut) -> Balance:
    others = {
        "set aside": balance.held,
        "used": balance.used,
        "gone with money that went back": balance.revoked,
    }
    rest = [f"{count} {label}" for label, count in others.items() if count]
    return Balance(
        product=PRODUCT_NAMES[balance.product],
        left=balance.left,
        unit=PRODUCT_UNITS[balance.product],
        rest=", ".join([f"{balance.granted} bought", *rest]),
    )


def movements(credits: CreditsOut) -> list[Movement]:
    """The history, newest first, each with what was left after it."""
    left = {balance.product: balance.left for balance in credits.balances}
    listed: list[Movement] = []
    for entry in credits.history:
        after = left.get(entry.product, 0)
        left[entry.product] = after - entry.left_change
        listed.append(to_movement(entry, after))
    return listed


def to_movement(entry: EntryOut, left: int) -> Movement:
    at = entry.at.astimezone(UTC)
    return Movement(
        label=MOVEMENT_LABELS[entry.kind],
        product=PRODUCT_NAMES[entry.product],
        at=at.isoformat(),
        at_text=format_datetime(at),
        change=f"{entry.left_change:+d}".replace("-", "−") if entry.left_change else "",
        left=f"{left} left",
    )


def to_payment(out: CheckoutOut) -> Payment:
    return Payment(
        id=str(out.id),
        href=f"/checkout/{out.id}",
        what=f"{PRODUCT_NAMES[out.product]}: {out.credits} {PRODUCT_UNITS[out.product]}",
        state=STATUS_LABELS[out.status],
        on=format_datetime(out.paid_at or out.created_at),
        paid=out.paid_text if out.paid_at else out.price,
        refunded=f"{out.refunded_text} paid back" if out.refunded else "",
    )
