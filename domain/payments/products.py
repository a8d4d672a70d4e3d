"""The products for sale and their prices."""

from dataclasses import dataclass
from typing import Literal, get_args

from settings import Settings

ProductKey = Literal["booster_pack", "chat"]

ZERO_DECIMAL = {
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
    *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
}
"""Currencies that Stripe counts in whole units. Source: docs.stripe.com/currencies."""

THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


@dataclass(frozen=True)
class Product:
    """A product at its price."""

    key: ProductKey
    name: str
    description: str
    unit: str
    """What a credit pays for, in the plural."""
    credits: int
    amount: int
    """In the currency's smallest unit."""
    currency: str
    stripe_price: str | None
    """The id of the price at Stripe; None sends our amount."""

    @property
    def price(self) -> str:
        return price_text(self.amount, self.currency)


def products_of(config: Settings) -> dict[ProductKey, Product]:
    """All products by key."""
    currency = config.payments_currency
    pack = Product(
        key="booster_pack",
        name="Factoid Booster Pack",
        description="25 new factoids about whatever you like, also when the free share is used up.",
        unit="generations",
        credits=25,
        amount=config.price_booster_pack or 500,
        currency=currency,
        stripe_price=config.stripe_price_booster_pack,
    )
    chat = Product(
        key="chat",
        name="Factoid Chat",
        description="200 messages to the agent who knows more about every factoid.",
        unit="chat messages",
        credits=200,
        amount=config.price_chat or 900,
        currency=currency,
        stripe_price=config.stripe_price_chat,
    )
    return {product.key: product for product in (pack, chat)}


def product_key(text: str) -> ProductKey | None:
    return next((key for key in get_args(ProductKey) if key == text), None)


def price_text(amount: int, currency: str) -> str:
    """An amount in the currency's smallest unit for display: "$5.00", "500 JPY"."""
    digits = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    number = f"{amount / 10**digits:,.{digits}f}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency.upper()}"
