"""Checkout sessions: `POST /v1/checkout/sessions` and what it makes.

Source: https://docs.stripe.com/api/checkout/sessions
"""

from typing import Any
from urllib.parse import urlsplit

from .account import Account, Object, new_id
from .currencies import DELAYED
from .errors import Refused
from .form import Form
from .products import check_amount, read_line_item

DAY_S = 86_400
LEAST_LIFE_S = 30 * 60
PAGES = "/c/pay"


class Sessions:
    """Makes and expires sessions; paying is the till's."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def create(self, form: Form) -> Object:
        """A new open session.

        Raises:
            Refused: A parameter is missing, wrong or unknown.
        """
        if form.choice("mode", "payment") is None:
            raise form.missing("mode")
        form.choice("ui_mode", "hosted_page")
        items = [read_line_item(self._account, one) for one in form.branches("line_items")]
        if not items:
            raise form.missing("line_items")
        if len({item["currency"] for item in items}) > 1:
            message = "All line items must have the same currency."
            raise Refused(400, message, param="line_items")
        session = self._build(form, items)
        payment = form.branch("payment_intent_data")
        carried = {
            "metadata": payment.metadata(),
            "description": payment.text("description"),
            "receipt_email": payment.text("receipt_email"),
            "statement_descriptor_suffix": payment.text("statement_descriptor_suffix", most=22),
        }
        payment.nothing_else()
        form.nothing_else()
        check_amount(session["amount_total"], session["currency"])
        self._account.line_items[session["id"]] = items
        self._account.carried[session["id"]] = carried
        return self._account.keep(session)

    def get(self, id: str) -> Object:
        """The session as it is by now: one past its time has expired by itself."""
        session = self._account.get("checkout.session", id)
        self._expire_if_due(session)
        return session

    def newest(self) -> list[Object]:
        sessions = self._account.newest("checkout.session")
        for session in sessions:
            self._expire_if_due(session)
        return sessions

    def open(self, id: str) -> Object:
        """The session, when it can still be paid.

        Raises:
            Refused: It is complete or has expired.
        """
        session = self.get(id)
        if session["status"] != "open":
            raise Refused(400, f"This Checkout Session has a status of `{session['status']}`.")
        return session

    def expire(self, id: str) -> Object:
        session = self.get(id)
        if session["status"] != "open":
            raise Refused(
                400,
                'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
                f" Session has a status of `{session['status']}`.",
            )
        self._account.change(session, status="expired", url=None)
        self._account.happen("checkout.session.expired", session)
        return session

    def _expire_if_due(self, session: Object) -> None:
        if session["status"] == "open" and session["expires_at"] <= self._account.now():
            self._account.change(session, status="expired", url=None)
            self._account.happen("checkout.session.expired", session)

    def _build(self, form: Form, items: list[Object]) -> Object:
        mode = "live" if self._account.livemode else "test"
        id = new_id(f"cs_{mode}_a1", 56)
        now = self._account.now()
        currency = items[0]["currency"]
        amount = sum(item["amount_total"] for item in items)
        email = form.text("customer_email")
        return _TEMPLATE | {
            "id": id,
            "allow_promotion_codes": form.boolean("allow_promotion_codes"),
            "amount_subtotal": amount,
            "amount_total": amount,
            "automatic_tax": {
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "billing_address_collection": form.choice(
                "billing_address_collection", "auto", "required"
            ),
            "cancel_url": _address(form, "cancel_url"),
            "client_reference_id": form.text("client_reference_id", most=200),
            "created": now,
            "currency": currency,
            "custom_text": _custom_text(form),
            "customer_creation": form.choice("customer_creation", "always", "if_required")
            or "if_required",
            "customer_email": email,
            "customer_details": None if email is None else _customer(email),
            "discounts": [],
            "expires_at": _expiry(form, now),
            "livemode": self._account.livemode,
            "locale": form.text("locale"),
            "metadata": form.metadata(),
            "payment_method_types": form.texts("payment_method_types")
            or ["card", *filter(None, [DELAYED.get(currency)])],
            "submit_type": form.choice("submit_type", "auto", "book", "donate", "pay"),
            "success_url": _address(form, "success_url") or form.required("success_url"),
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "url": f"{self._account.base_url}{PAGES}/{id}",
        }


def _expiry(form: Form, now: int) -> int:
    at = form.integer("expires_at")
    if at is None:
        return now + DAY_S
    # A request may have been on its way for a moment.
    if at < now + LEAST_LIFE_S - 60 or at > now + DAY_S + 60:
        message = (
            "The `expires_at` timestamp must be from 30 minutes to 24 hours after Checkout"
            " Session creation."
        )
        raise Refused(400, message, param="expires_at")
    return at


def _address(form: Form, name: str) -> str | None:
    address = form.text(name)
    if address is not None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Refused(400, "Not a valid URL", code="url_invalid", param=form.param(name))
    return address


def _custom_text(form: Form) -> Object:
    said = form.branch("custom_text")
    places = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    texts: dict[str, Any] = {}
    for place in places:
        message = said.branch(place).text("message", most=1_200)
        texts[place] = None if message is None else {"message": message}
    said.nothing_else()
    return texts


def _customer(email: str | None) -> Object:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def paying_customer(email: str | None) -> Object:
    """What the page has asked the person for."""
    return _customer(email or "reader@example.com") | {
        "address": {
            "city": None,
            "country": "US",
            "line1": None,
            "line2": None,
            "postal_code": "94110",
            "state": None,
        },
        "name": "Robin Reader",
        "tax_ids": [],
    }


_TEMPLATE: Object = {
    "id": "",
    "object": "checkout.session",
    "adaptive_pricing": {"enabled": False},
    "after_expiration": None,
    "client_secret": None,
    "collected_information": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "customer": None,
    "customer_account": None,
    "integration_identifier": None,
    "invoice": None,
    "invoice_creation": None,
    "mode": "payment",
    "origin_context": None,
    "payment_intent": None,
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_configuration_details": None,
    "payment_method_options": {},
    "payment_status": "unpaid",
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "open",
    "subscription": None,
    "ui_mode": "hosted_page",
    "wallet_options": None,
}
"""What this product's sessions all have alike."""
