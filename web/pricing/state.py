"""The state of the pricing page, which leads to Stripe only after a press of a button."""

import logging
from dataclasses import dataclass
from typing import Any, get_args

import reflex as rx

from api.schemas.payments import CheckoutIn, ProductKey, ProductOut, ProductsOut
from web.checkout.return_to import return_path_in
from web.checkout.state import CheckoutState
from web.client.api import ApiProblem
from web.client.payments import PaymentsClient
from web.generate.on_payment import MAX_MODEL_LENGTH, GenerateOnPayment
from web.ui.client_store import dispatch
from web.ui.format import safe_href
from web.ui.forms import fields_of, idempotency_key_of, text_of
from web.ui.page_state import LoadedPage

PRODUCT_EMOJI: dict[ProductKey, str] = {"booster_pack": "🚀", "chat": "💬"}
GENERATING_PRODUCT: ProductKey = "booster_pack"
"""The product with which a factoid can be generated as soon as it is paid."""

log = logging.getLogger(__name__)

REFUND_PROMISE = "What you paid for and did not get, we pay back."


@dataclass
class ProductView:
    """A product as the page shows it."""

    key: str
    name: str
    emoji: str
    description: str
    price: str
    fails: str
    """What happens when it cannot be delivered."""
    can_generate: bool


class PricingState(LoadedPage, rx.State):
    """The pricing page."""

    products: list[ProductView] = []
    payments_on: bool = False
    generate_on_payment: bool = False
    topic: str = ""
    model: str = ""
    credits_left: int = 0
    messages_left: int = 0
    return_path: str = ""
    """The path of the chat page to return to after paying."""
    buying: str = ""
    """The key of the product whose payment is being started."""
    refused: str = ""
    refused_key: str = ""

    @rx.event
    async def load_pricing(self):
        """Load the products, and keep the choices in the address."""
        chosen = GenerateOnPayment.from_address(self.router.url)
        self.generate_on_payment = chosen.enabled
        self.topic, self.model = chosen.topic, chosen.model
        self.return_path = return_path_in(self.router.url)
        self.buying = self.refused = self.refused_key = ""
        api = PaymentsClient.for_visitor(self)
        with self._loading():
            products = await api.products()
            self.payments_on = products.payments == "on"
            self.products = to_product_views(products, first="chat" if self.return_path else "")
        try:
            balances = (await api.credits()).balances
            left = {balance.product: balance.left for balance in balances}
            self.credits_left = left.get(GENERATING_PRODUCT, 0)
            self.messages_left = left.get("chat", 0)
        except ApiProblem as problem:
            log.warning("How many credits are left cannot be shown: %s", problem)

    @rx.event
    async def buy(self, form: Any):
        """Start the payment and go to Stripe."""
        form = fields_of(form)
        purchase = purchase_in(form)
        if self.buying or purchase is None:
            return
        self.buying, self.refused, self.refused_key = purchase.product, "", ""
        yield
        try:
            checkout = await PaymentsClient.for_visitor(self).start_checkout(
                purchase, key=idempotency_key_of(form)
            )
        except ApiProblem as refusal:
            self.refused, self.refused_key = refusal.full_detail, purchase.product
            if refusal.problem.status < 500:
                yield dispatch("answered")
        else:
            yield dispatch("answered")
            if self.return_path:
                (await self.get_state(CheckoutState)).return_path = self.return_path
            # A payment that is no longer open has a page here, but none at Stripe.
            yield rx.redirect(safe_href(checkout.url) or f"/checkout/{checkout.id}")
        self.buying = ""


def to_product_views(products: ProductsOut, first: str = "") -> list[ProductView]:
    """All products, the one with the key `first` first."""
    views = [to_product_view(product) for product in products.products]
    return sorted(views, key=lambda view: view.key != first)


def to_product_view(product: ProductOut) -> ProductView:
    fails = REFUND_PROMISE
    if product.key == GENERATING_PRODUCT:
        fails = (
            "A fact that does not come costs no credit: while the models are down we keep trying "
            f"for an hour, then the credit is yours again. {REFUND_PROMISE}"
        )
    return ProductView(
        key=product.key,
        name=product.name,
        emoji=PRODUCT_EMOJI[product.key],
        description=product.description,
        price=product.price,
        fails=fails,
        can_generate=product.key == GENERATING_PRODUCT,
    )


def purchase_in(form: dict[str, Any]) -> CheckoutIn | None:
    """The purchase in a form; None if it names no product of ours."""
    key = form.get("product")
    product: ProductKey | None = next((name for name in get_args(ProductKey) if name == key), None)
    if product is None:
        return None
    if product != GENERATING_PRODUCT or not form.get("write"):
        return CheckoutIn(product=product)
    model = text_of(form.get("model"))[:MAX_MODEL_LENGTH]
    return CheckoutIn(product=product, topic=text_of(form.get("topic")), model=model or None)
