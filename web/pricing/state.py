"""What can be bought, and the way to Stripe: nobody is sent there without a press."""

import logging
from dataclasses import dataclass
from typing import Any, get_args

import reflex as rx

from api.schemas.payments import CheckoutIn, ProductKey, ProductOut, ProductsOut
from web.checkout.return_to import way_back
from web.checkout.state import Paying
from web.client.api import ApiProblem
from web.client.payments import payments_for
from web.factoid.card import safe_link
from web.generate.on_payment import MODEL_LENGTH, PaidWish
from web.keys.state import said
from web.ui.client_store import tell
from web.ui.forms import fields_of, press_of, text_of

FACES: dict[ProductKey, str] = {"booster_pack": "🚀", "chat": "💬"}
WISHES: ProductKey = "booster_pack"
"""The product with which something is written as soon as it is paid."""

log = logging.getLogger(__name__)

BACK = "What you paid for and did not get, we pay back."


@dataclass
class Offer:
    """A product as the page shows it, in words."""

    key: str
    name: str
    face: str
    description: str
    price: str
    fails: str
    """What happens when it cannot be delivered."""
    wishes: bool


class Pricing(rx.State):
    """The page of prices."""

    offers: list[Offer] = []
    payments_on: bool = False
    ready: bool = False
    problem: str = ""
    wanted: bool = False
    topic: str = ""
    model: str = ""
    credits_left: int = 0
    messages_left: int = 0
    back: str = ""
    """Where the reader was asking something."""
    buying: str = ""
    """The product on its way to Stripe."""
    refused: str = ""
    refused_key: str = ""

    @rx.event
    async def open(self):
        """Show what there is to buy, and keep the wish that the address brings."""
        wish = PaidWish.read(self.router.url)
        self.wanted, self.topic, self.model = wish.wanted, wish.topic, wish.model
        self.back = way_back(self.router.url)
        self.buying = self.refused = self.refused_key = ""
        api = payments_for(self)
        try:
            products = await api.products()
        except ApiProblem as refusal:
            self.problem = said(refusal)
        else:
            self.problem, self.payments_on = "", products.payments == "on"
            self.offers = offers_of(products, first="chat" if self.back else "")
        try:
            left = {one.product: one.left for one in (await api.credits()).balances}
            self.credits_left, self.messages_left = left.get(WISHES, 0), left.get("chat", 0)
        except ApiProblem as unknown:
            log.warning("How many credits are left cannot be shown: %s", unknown)
        self.ready = True

    @rx.event
    async def buy(self, form: Any):
        """Begin the payment and go to where it is paid."""
        form = fields_of(form)
        purchase = purchase_in(form)
        if self.buying or purchase is None:
            return
        self.buying, self.refused, self.refused_key = purchase.product, "", ""
        yield
        try:
            begun = await payments_for(self).start_checkout(purchase, press=press_of(form))
        except ApiProblem as refusal:
            self.refused, self.refused_key = said(refusal), purchase.product
            if refusal.problem.status < 500:
                yield tell("answered")
        else:
            yield tell("answered")
            if self.back:
                (await self.get_state(Paying)).back = self.back
            # What is no longer to be paid is looked at instead.
            yield rx.redirect(safe_link(begun.url) or f"/checkout/{begun.id}")
        self.buying = ""


def offers_of(products: ProductsOut, first: str = "") -> list[Offer]:
    """All of them, the one that is wanted first."""
    offers = [to_offer(product) for product in products.products]
    return sorted(offers, key=lambda one: one.key != first)


def to_offer(product: ProductOut) -> Offer:
    fails = BACK
    if product.key == WISHES:
        fails = (
            "A fact that does not come costs no credit: while the models are down we keep trying "
            f"for an hour, then the credit is yours again. {BACK}"
        )
    return Offer(
        key=product.key,
        name=product.name,
        face=FACES[product.key],
        description=product.description,
        price=product.price,
        fails=fails,
        wishes=product.key == WISHES,
    )


def purchase_in(form: dict[str, Any]) -> CheckoutIn | None:
    """What a form asks to buy; None when it is nothing we sell."""
    key = form.get("product")
    product: ProductKey | None = next(
        (known for known in get_args(ProductKey) if known == key), None
    )
    if product is None:
        return None
    if product != WISHES or not form.get("write"):
        return CheckoutIn(product=product)
    model = text_of(form.get("model"))[:MODEL_LENGTH]
    return CheckoutIn(product=product, topic=text_of(form.get("topic")), model=model or None)
