"""What people and banks do with a session: pay, pay by a slow method, be declined, bring a code."""

from .account import Account, Object, new_id
from .currencies import DELAYED
from .errors import Refused
from .payments import Payments
from .sessions import Sessions, paying_customer


class Till:
    """Takes the money of open sessions. Every step makes the events that Stripe's makes."""

    def __init__(self, account: Account, sessions: Sessions, payments: Payments) -> None:
        self._account = account
        self._sessions = sessions
        self._payments = payments

    def pay(self, session_id: str) -> Object:
        """With a card that works: the session is complete and paid."""
        session = self._sessions.open(session_id)
        intent, charge = self._charge(session, "card", "succeeded")
        self._payments.succeed(intent, charge)
        return self._complete(session, "paid")

    def pay_later(self, session_id: str) -> Object:
        """By a method whose money takes days: the session is complete and unpaid."""
        session = self._sessions.open(session_id)
        method = DELAYED.get(session["currency"], "")
        if method not in session["payment_method_types"]:
            raise Refused(400, "This Checkout Session takes no payments that come later.")
        intent, charge = self._charge(session, method, "pending")
        self._payments.pend(intent, charge)
        return self._complete(session, "unpaid")

    def succeed(self, session_id: str) -> Object:
        """What was paid by a slow method has come."""
        session, intent, charge = self._awaited(session_id)
        self._payments.succeed(intent, charge)
        self._account.change(session, payment_status="paid")
        self._account.happen("checkout.session.async_payment_succeeded", session)
        return session

    def fail(self, session_id: str) -> Object:
        """What was paid by a slow method has not come; the session stays complete and unpaid."""
        session, intent, charge = self._awaited(session_id)
        self._payments.fail(intent, charge, "payment_intent_payment_attempt_failed")
        self._account.happen("checkout.session.async_payment_failed", session)
        return session

    def decline(self, session_id: str, code: str = "card_declined") -> Object:
        """A card that is declined: the session stays open, to be tried again."""
        session = self._sessions.open(session_id)
        intent, charge = self._charge(session, "card", "failed")
        self._payments.fail(intent, charge, code)
        return session

    def use_code(self, session_id: str) -> Object:
        """A promotion code of 100 %: nothing is to be paid, so there is no payment intent."""
        session = self._sessions.open(session_id)
        if not session["allow_promotion_codes"]:
            raise Refused(400, "This Checkout Session takes no promotion codes.")
        discount = session["amount_subtotal"]
        session["total_details"]["amount_discount"] = discount
        session["discounts"] = [{"coupon": None, "promotion_code": new_id("promo_1")}]
        for item in self._account.line_items[session_id]:
            item["amount_discount"], item["amount_total"] = item["amount_subtotal"], 0
        self._account.change(session, amount_total=0, payment_intent=None)
        return self._complete(session, "no_payment_required")

    def _charge(self, session: Object, method: str, status: str) -> tuple[Object, Object]:
        carried = self._account.carried[session["id"]]
        intent = self._payments.intend(session, carried)
        customer = paying_customer(session["customer_email"])
        charge = self._payments.charge(intent, method, status=status, customer=customer)
        return intent, charge

    def _complete(self, session: Object, payment_status: str) -> Object:
        self._account.change(
            session,
            status="complete",
            payment_status=payment_status,
            url=None,
            customer_details=paying_customer(session["customer_email"]),
        )
        self._account.happen("checkout.session.completed", session)
        return session

    def _awaited(self, session_id: str) -> tuple[Object, Object, Object]:
        session = self._sessions.get(session_id)
        intent = self._account.find(session["payment_intent"] or "")
        if intent is None or intent["status"] != "processing":
            raise Refused(400, "No payment of this Checkout Session is on its way.")
        charge = self._account.get("charge", intent["latest_charge"])
        return session, intent, charge
