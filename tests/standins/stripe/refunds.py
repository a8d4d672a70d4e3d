"""Refunds, at once or slow, whole or in part, and those that fail.

Source: https://docs.stripe.com/api/refunds and https://docs.stripe.com/refunds
"""

from .account import Account, Object, new_id
from .currencies import written
from .errors import Refused
from .form import Form
from .payments import Payments

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


class Refunds:
    def __init__(self, account: Account, payments: Payments) -> None:
        self._account = account
        self._payments = payments
        self.slow = False
        """Whether new refunds stay pending until `succeed` or `fail`."""

    def create(self, form: Form) -> Object:
        """`POST /v1/refunds`."""
        charge = self._charge_of(form)
        amount = form.integer("amount")
        reason, metadata = form.choice("reason", *REASONS), form.metadata()
        form.nothing_else()
        return self.refund(charge, amount, reason=reason, metadata=metadata)

    def refund(
        self,
        charge: Object,
        amount: int | None = None,
        *,
        reason: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Object:
        """Give back what is left of a charge, or an amount in its smallest unit."""
        left: int = charge["amount_captured"] - charge["amount_refunded"]
        amount = left if amount is None else amount
        self._check(charge, amount, left)
        slow = self.slow
        refund: Object = {
            "id": new_id("re_3" if charge["id"].startswith("ch_") else "pyr_1"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": self._account.now(),
            "currency": charge["currency"],
            "destination_details": _destination(charge),
            "metadata": metadata or {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "pending" if slow else "succeeded",
            "transfer_reversal": None,
        }
        if slow:
            refund["pending_reason"] = "processing"
        by_card = charge["id"].startswith("ch_")
        kind = "refund" if by_card else "payment_refund"
        entry = self._payments.enter(kind, refund, amount=-amount)
        refund["balance_transaction"] = entry["id"]
        self._account.keep(refund)
        refunded = charge["amount_refunded"] + amount
        previous = self._account.change(
            charge, amount_refunded=refunded, refunded=refunded == charge["amount"]
        )
        self._account.happen("refund.created", refund)
        self._account.happen("charge.refunded", charge, previous)
        return refund

    def succeed(self, refund_id: str) -> Object:
        """A slow refund has arrived."""
        refund = self._pending(refund_id)
        previous = self._account.change(refund, status="succeeded")
        refund.pop("pending_reason", None)
        self._tell_updated(refund, previous)
        return refund

    def fail(self, refund_id: str) -> Object:
        """A refund comes back, even one that had succeeded: the charge has its money again."""
        refund = self._account.get("refund", refund_id)
        if refund["status"] == "failed":
            raise Refused(400, "This refund has failed already.")
        charge = self._account.get("charge", refund["charge"])
        by_card = charge["id"].startswith("ch_")
        kind = "refund_failure" if by_card else "payment_failure_refund"
        entry = self._payments.enter(kind, refund, amount=refund["amount"])
        previous = self._account.change(refund, status="failed")
        refund.pop("pending_reason", None)
        refund["failure_balance_transaction"] = entry["id"]
        refund["failure_reason"] = "expired_or_canceled_card"
        left = charge["amount_refunded"] - refund["amount"]
        self._account.change(charge, amount_refunded=left, refunded=False)
        self._tell_updated(refund, previous)
        self._account.happen("refund.failed", refund)
        return refund

    def _tell_updated(self, refund: Object, previous: Object) -> None:
        self._account.happen("refund.updated", refund, previous)
        self._account.happen("charge.refund.updated", refund, previous)

    def _pending(self, refund_id: str) -> Object:
        refund = self._account.get("refund", refund_id)
        if refund["status"] != "pending":
            raise Refused(400, f"This refund has a status of `{refund['status']}`.")
        return refund

    def _charge_of(self, form: Form) -> Object:
        charge_id, intent_id = form.text("charge"), form.text("payment_intent")
        if (charge_id is None) == (intent_id is None):
            message = "One of the following params should be provided: charge, payment_intent."
            raise Refused(400, message)
        if intent_id is not None:
            intent = self._account.get("payment_intent", intent_id, "payment_intent", status=404)
            if intent["status"] != "succeeded":
                message = f"This PaymentIntent ({intent_id}) does not have a successful charge"
                message += " to refund."
                raise Refused(400, message, code="payment_intent_unexpected_state")
            charge_id = intent["latest_charge"]
        return self._account.get("charge", charge_id or "", "charge")

    def _charged_back(self, charge: Object) -> bool:
        disputes = self._account.newest("dispute")
        return any(one["charge"] == charge["id"] and one["status"] != "won" for one in disputes)

    def _check(self, charge: Object, amount: int, left: int) -> None:
        if self._charged_back(charge):
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise Refused(400, message, code="charge_disputed")
        if not left:
            message = f"Charge {charge['id']} has already been refunded."
            raise Refused(400, message, code="charge_already_refunded")
        if amount < 1:
            message = "This value must be greater than or equal to 1."
            raise Refused(400, message, code="parameter_invalid_integer", param="amount")
        if amount > left:
            asked, rest = (written(one, charge["currency"]) for one in (amount, left))
            message = f"Refund amount ({asked}) is greater than unrefunded amount on charge"
            raise Refused(400, f"{message} ({rest})", param="amount")


def _destination(charge: Object) -> Object:
    method = charge["payment_method_details"]["type"]
    if method != "card":
        return {"type": "us_bank_transfer" if method == "us_bank_account" else method}
    card = {"reference": "7391", "reference_status": "available", "type": "refund"}
    return {"type": "card", "card": card | {"reference_type": "acquirer_reference_number"}}
