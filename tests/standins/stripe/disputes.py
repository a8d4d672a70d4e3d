"""Disputes: a bank takes a charge back, and sometimes returns it.

Source: https://docs.stripe.com/api/disputes and https://docs.stripe.com/disputes/how-disputes-work
"""

import copy

from .account import Account, Object, new_id
from .errors import Refused
from .payments import Payments

DAY_S = 86_400
FEE_PER_MILLE = 300
"""What the stand-in keeps for a dispute; the fixed fee of Stripe depends on the currency."""


class Disputes:
    def __init__(self, account: Account, payments: Payments) -> None:
        self._account = account
        self._payments = payments

    def open(self, charge: Object, reason: str = "fraudulent") -> Object:
        """A new dispute about what is left of a charge; the bank takes the money at once."""
        if charge["disputed"] or charge["status"] != "succeeded" or charge["refunded"]:
            message = "Only a charge that succeeded and was not refunded can be disputed, once."
            raise Refused(400, message)
        now, amount = self._account.now(), charge["amount"] - charge["amount_refunded"]
        dispute = {
            "id": new_id("du_1"),
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": copy.deepcopy(_NO_EVIDENCE),
            "evidence_details": {
                "due_by": now + 14 * DAY_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": False,
            "livemode": self._account.livemode,
            "metadata": {},
            "network_reason_code": "10.4",
            "payment_intent": charge["payment_intent"],
            "payment_method_details": _CARD if charge["id"].startswith("ch_") else None,
            "reason": reason,
            "status": "needs_response",
        }
        self._account.keep(dispute)
        self._account.change(charge, disputed=True)
        self._account.happen("charge.dispute.created", dispute)
        self._move(dispute, -amount, fee=amount * FEE_PER_MILLE // 1000)
        self._account.happen("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def win(self, dispute_id: str) -> Object:
        """The bank gives the money back, without what the dispute has cost."""
        dispute = self._undecided(dispute_id)
        previous = self._account.change(dispute, status="won")
        self._move(dispute, dispute["amount"])
        self._account.happen("charge.dispute.funds_reinstated", dispute)
        self._account.happen("charge.dispute.closed", dispute, previous)
        return dispute

    def lose(self, dispute_id: str) -> Object:
        dispute = self._undecided(dispute_id)
        previous = self._account.change(dispute, status="lost")
        self._account.happen("charge.dispute.closed", dispute, previous)
        return dispute

    def _undecided(self, dispute_id: str) -> Object:
        dispute = self._account.get("dispute", dispute_id)
        if dispute["status"] in {"won", "lost"}:
            raise Refused(400, f"This dispute is already {dispute['status']}.")
        return dispute

    def _move(self, dispute: Object, amount: int, *, fee: int = 0) -> None:
        # Balance transactions of disputes stand in them whole, not by their ids.
        entry = self._payments.enter("adjustment", dispute, amount=amount, fee=fee)
        if amount > 0:
            entry["reporting_category"] = "dispute_reversal"
        dispute["balance_transactions"].append(entry)


_CARD: Object = {
    "type": "card",
    "card": {
        "brand": "visa",
        "case_type": "chargeback",
        "network": "visa",
        "network_reason_code": "10.4",
    },
}
_NO_EVIDENCE: Object = dict.fromkeys(
    [
        "access_activity_log",
        "billing_address",
        "cancellation_policy",
        "cancellation_policy_disclosure",
        "cancellation_rebuttal",
        "customer_communication",
        "customer_email_address",
        "customer_name",
        "customer_purchase_ip",
        "customer_signature",
        "duplicate_charge_documentation",
        "duplicate_charge_explanation",
        "duplicate_charge_id",
        "product_description",
        "receipt",
        "refund_policy",
        "refund_policy_disclosure",
        "refund_refusal_explanation",
        "service_date",
        "service_documentation",
        "shipping_address",
        "shipping_carrier",
        "shipping_date",
        "shipping_documentation",
        "shipping_tracking_number",
        "uncategorized_file",
        "uncategorized_text",
    ]
) | {"enhanced_evidence": {}}
