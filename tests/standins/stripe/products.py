"""Prices and products, whether made beforehand or with the session that sells them."""

from .account import Account, Object, new_id
from .currencies import LEAST, decimals
from .errors import Refused
from .form import Form


def add_price(
    account: Account,
    *,
    unit_amount: int,
    currency: str,
    name: str,
    description: str | None = None,
    id: str | None = None,
    active: bool = True,
) -> Object:
    """A price with a product of its own; `unit_amount` in the currency's smallest unit."""
    now = account.now()
    product = account.keep(
        {
            "id": new_id("prod_", 14),
            "object": "product",
            "active": active,
            "created": now,
            "default_price": None,
            "description": description,
            "images": [],
            "livemode": account.livemode,
            "marketing_features": [],
            "metadata": {},
            "name": name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": now,
            "url": None,
        }
    )
    return account.keep(
        {
            "id": id or new_id("price_1"),
            "object": "price",
            "active": active,
            "billing_scheme": "per_unit",
            "created": now,
            "currency": currency,
            "custom_unit_amount": None,
            "livemode": account.livemode,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": product["id"],
            "recurring": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": unit_amount,
            "unit_amount_decimal": str(unit_amount),
        }
    )


def read_line_item(account: Account, form: Form) -> Object:
    """One line of a new session, of a price that exists or of `price_data`."""
    price = _read_price(account, form)
    quantity = form.integer("quantity")
    form.nothing_else()
    if quantity is None:
        raise form.missing("quantity")
    if quantity < 1:
        message = "This value must be greater than or equal to 1."
        raise Refused(400, message, param=form.param("quantity"))
    amount = price["unit_amount"] * quantity
    product = account.get("product", price["product"])
    return {
        "id": new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }


def _read_price(account: Account, form: Form) -> Object:
    if id := form.text("price"):
        param = form.param("price")
        price = account.get("price", id, param, status=400)
        if not price["active"]:
            raise Refused(400, "The price specified is inactive.", param=param)
        return price
    if "price_data" not in form:
        raise form.missing("price")
    data = form.branch("price_data")
    currency = data.required("currency").lower()
    unit_amount = data.integer("unit_amount")
    if unit_amount is None:
        raise data.missing("unit_amount")
    if unit_amount < 0:
        raise Refused(400, "Invalid non-negative integer", param=data.param("unit_amount"))
    product = data.branch("product_data")
    name, description = product.required("name"), product.text("description")
    product.nothing_else()
    data.nothing_else()
    return add_price(
        account, unit_amount=unit_amount, currency=currency, name=name, description=description
    )


def check_amount(amount: int, currency: str) -> None:
    """Refuse what is too little, or too much, to be charged in one go."""
    if not currency.isalpha() or len(currency) != 3:
        raise Refused(400, f"Invalid currency: {currency}", param="line_items[0][price_data]")
    if amount and amount < LEAST.get(currency, 1):
        message = "The Checkout Session's total amount due is below the least that can be charged"
        raise Refused(400, message, code="amount_too_small")
    if len(str(amount)) > 8 - 2 + decimals(currency):
        message = "The Checkout Session's total amount is more than can be charged"
        raise Refused(400, message, code="amount_too_large")
