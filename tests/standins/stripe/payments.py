"""Payment intents, charges and the entries they leave in the account's balance.

Source: https://docs.stripe.com/api/payment_intents, /charges and /balance_transactions
"""

import copy

from .account import Account, Object, new_id

FEE_PER_MILLE = 29
"""What the stand-in keeps of a charge; it takes no fixed part, which depends on the currency."""

DAY_S = 86_400
DECLINES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
}
ENTRIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payment_failure_refund": "refund_failure",
    "adjustment": "dispute",
}
"""Types of balance transactions, and the category each is reported in."""


class Payments:
    """The money of sessions: from an intent to a charge."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def intend(self, session: Object, carried: Object) -> Object:
        """The session's payment intent, made when somebody first tries to pay."""
        if session["payment_intent"]:
            return self._account.get("payment_intent", session["payment_intent"])
        id = new_id("pi_3")
        intent = {
            "id": id,
            "object": "payment_intent",
            "amount": session["amount_total"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{id}_secret_{new_id('')}",
            "confirmation_method": "automatic",
            "created": self._account.now(),
            "currency": session["currency"],
            "customer": None,
            "customer_account": None,
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": self._account.livemode,
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": session["payment_method_types"],
            "processing": None,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        } | copy.deepcopy(carried)
        self._account.keep(intent)
        session["payment_intent"] = id
        self._account.happen("payment_intent.created", intent)
        return intent

    def charge(self, intent: Object, method: str, *, status: str, customer: Object) -> Object:
        """A charge that has succeeded, is pending or has failed, without the event of it."""
        charge = {
            "id": new_id("ch_3" if method == "card" else "py_3"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": {
                "address": customer["address"],
                "email": customer["email"],
                "name": customer["name"],
                "phone": None,
                "tax_id": None,
            },
            "calculated_statement_descriptor": "DAILY FACTOIDS",
            "captured": False,
            "created": self._account.now(),
            "currency": intent["currency"],
            "customer": None,
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "livemode": self._account.livemode,
            "metadata": copy.deepcopy(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": None,
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": new_id("pm_1"),
            "payment_method_details": {"type": method, method: _details(method)},
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": status,
            "transfer_data": None,
            "transfer_group": None,
        }
        intent["latest_charge"] = charge["id"]
        return self._account.keep(charge)

    def succeed(self, intent: Object, charge: Object) -> None:
        """The money has come."""
        entry = self.enter(
            "charge" if charge["id"].startswith("ch_") else "payment",
            charge,
            amount=charge["amount"],
            fee=charge["amount"] * FEE_PER_MILLE // 1000,
        )
        self._account.change(
            charge,
            status="succeeded",
            paid=True,
            captured=True,
            amount_captured=charge["amount"],
            balance_transaction=entry["id"],
            outcome=_outcome("authorized", "approved_by_network", "Payment complete."),
        )
        self._account.change(
            intent,
            status="succeeded",
            amount_received=charge["amount"],
            payment_method=charge["payment_method"],
            last_payment_error=None,
        )
        self._account.happen("charge.succeeded", charge)
        self._account.happen("payment_intent.succeeded", intent)

    def pend(self, intent: Object, charge: Object) -> None:
        """The money is on its way."""
        self._account.change(intent, status="processing", payment_method=charge["payment_method"])
        self._account.happen("payment_intent.processing", intent)
        self._account.happen("charge.pending", charge)

    def fail(self, intent: Object, charge: Object, code: str) -> None:
        """No money comes; the intent may be tried again."""
        message = DECLINES.get(code, "The payment failed.")
        error = "card_declined" if code == "insufficient_funds" else code
        self._account.change(
            charge,
            status="failed",
            failure_code=error,
            failure_message=message,
            outcome=_outcome("issuer_declined", "declined_by_network", message),
        )
        problem = {"charge": charge["id"], "code": error, "message": message, "type": "card_error"}
        if code in DECLINES:
            problem["decline_code"] = "generic_decline" if code == "card_declined" else code
        self._account.change(
            intent,
            status="requires_payment_method",
            payment_method=None,
            last_payment_error=problem,
        )
        self._account.happen("charge.failed", charge)
        self._account.happen("payment_intent.payment_failed", intent)

    def enter(self, type: str, source: Object, *, amount: int, fee: int = 0) -> Object:
        """An entry in the balance; money that leaves is negative."""
        now = self._account.now()
        kept = {"amount": fee, "application": None, "currency": source["currency"]}
        kept |= {"description": "Stripe processing fees", "type": "stripe_fee"}
        return self._account.keep(
            {
                "id": new_id("txn_3"),
                "object": "balance_transaction",
                "amount": amount,
                "available_on": now + 2 * DAY_S,
                "balance_type": "payments",
                "created": now,
                "currency": source["currency"],
                "description": None,
                "exchange_rate": None,
                "fee": fee,
                "fee_details": [kept] if fee else [],
                "net": amount - fee,
                "reporting_category": ENTRIES[type],
                "source": source["id"],
                "status": "pending",
                "type": type,
            }
        )


def _outcome(type: str, network: str, message: str) -> Object:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": message,
        "type": type,
    }


def _details(method: str) -> Object:
    if method == "card":
        return {
            "brand": "visa",
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": "pass",
                "cvc_check": "pass",
            },
            "country": "US",
            "exp_month": 12,
            "exp_year": 2040,
            "funding": "credit",
            "last4": "4242",
            "network": "visa",
            "three_d_secure": None,
            "wallet": None,
        }
    return {"store": None} if method == "konbini" else {"last4": "6789"}
