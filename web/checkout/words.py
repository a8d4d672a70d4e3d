"""The texts of a payment: what happened, and what to do next."""

from dataclasses import dataclass, field

from api.schemas.payments import CheckoutOut, CheckoutStatus, ProductKey
from web.generate.on_payment import GenerateOnPayment
from web.ui.format import format_datetime, safe_href

PRODUCT_NAMES: dict[ProductKey, str] = {
    "booster_pack": "Factoid Booster Pack",
    "chat": "Factoid Chat",
}
PRODUCT_UNITS: dict[ProductKey, str] = {"booster_pack": "new factoids", "chat": "chat messages"}

STATUS_LABELS: dict[CheckoutStatus, str] = {
    "open": "Not paid",
    "processing": "With your bank",
    "paid": "Paid",
    "failed": "Not paid",
    "expired": "Not paid",
    "refunded": "Paid back",
    "disputed": "Taken back by your bank",
}

THANKS = "Thanks for supporting Andy's Daily Factoids!"
STATUS_EMOJI: dict[CheckoutStatus, str] = {
    "open": "🧾",
    "processing": "🏦",
    "paid": "🎉",
    "failed": "🙈",
    "expired": "⌛",
    "refunded": "↩️",
    "disputed": "⚖️",
}


@dataclass
class PaymentStep:
    """One step of a payment, with its mark: done, now, todo or failed."""

    mark: str
    text: str


@dataclass
class PaymentView:
    """The status of a payment, as text."""

    emoji: str
    title: str
    text: str
    steps: list[PaymentStep] = field(default_factory=list[PaymentStep])
    pay_href: str = ""
    """The address of Stripe's page, while the payment is open."""
    pay_label: str = ""
    retry_href: str = ""
    """Where to start again after the payment failed or expired."""
    href: str = ""
    """The address of the payment's page."""


NO_PAYMENT = PaymentView("", "", "")


def to_payment_view(out: CheckoutOut) -> PaymentView:
    title, text = _title_and_text(out)
    url = safe_href(out.url) if out.status == "open" else ""
    can_retry = out.status in {"failed", "expired"}
    return PaymentView(
        emoji=STATUS_EMOJI[out.status],
        title=title,
        text=text,
        steps=_steps(out),
        pay_href=url,
        pay_label=f"Pay {out.price} with Stripe",
        retry_href=GenerateOnPayment(out.wished, out.topic or "").href if can_retry else "",
        href=f"/checkout/{out.id}",
    )


def _title_and_text(out: CheckoutOut) -> tuple[str, str]:
    bought = f"{out.credits} {PRODUCT_UNITS[out.product]}"
    match out.status:
        case "open":
            return (
                "Nothing is paid yet",
                "Nothing was charged. You can still pay, or leave it. If you have just paid, this "
                "page notices by itself in a moment.",
            )
        case "processing":
            first = " The first one is written then, too." if out.wished else ""
            return (
                "Your bank is still thinking",
                "Some ways to pay take a few days. You may close this page: as soon as the money "
                f"is there, so are your {bought}, by themselves.{first}",
            )
        case "paid":
            return THANKS, _delivered(out)
        case "failed":
            return (
                "The payment did not go through",
                "Your bank said no in the end, so nothing was charged and nothing was bought. You "
                "can try again, perhaps in another way.",
            )
        case "expired":
            return (
                "This payment has run out",
                "It was open for a day and nobody paid, so nothing was charged.",
            )
        case "refunded":
            return (
                "Your money is on its way back",
                f"{out.refunded_text} go back the way they came; banks take up to ten days. What "
                "was not used of it is gone from your credits, what you had written is yours.",
            )
        case "disputed":
            return (
                "Your bank has taken the money back",
                "So what was not used of it is gone from your credits. If that was a mistake, tell "
                "your bank: when the money is here again, so are the credits.",
            )


def _delivered(out: CheckoutOut) -> str:
    if out.refunded:
        return (
            f"{out.refunded_text} of it went back to you, and {out.credits_revoked} credits with "
            "it. The rest is yours."
        )
    if out.wish_given_up:
        return (
            "We tried for an hour to have your first one written and could not. Its credit is "
            "yours, to use whenever you like."
        )
    if out.wished:
        return (
            "Your payment unlocks an immediate factoid. You may close this page: it is written "
            "all the same, and you find it here."
        )
    if out.product == "booster_pack":
        return "When your free ones are used up, the generate form offers you a credit instead."
    return "Each credit pays for one message once your free ones are used up."


def _steps(out: CheckoutOut) -> list[PaymentStep]:
    """The steps paid and ready; the page itself adds the step of a generation."""
    ready = f"{out.credits} {PRODUCT_UNITS[out.product]} ready"
    match out.status:
        case "paid":
            paid = f"Paid {out.paid_text}" if out.paid else "Paid with a promotion code"
            return [PaymentStep("done", paid), PaymentStep("done", ready)]
        case "processing":
            return [PaymentStep("now", "Waiting for your bank"), PaymentStep("todo", ready)]
        case "open":
            return [PaymentStep("now", "Waiting for your payment"), PaymentStep("todo", ready)]
        case _:
            return []


def receipt(out: CheckoutOut) -> list[tuple[str, str]]:
    """The lines of a receipt, name and value."""
    at = out.paid_at or out.created_at
    lines = {
        "What": f"{PRODUCT_NAMES[out.product]}: {out.credits} {PRODUCT_UNITS[out.product]}",
        "Paid on" if out.paid_at else "Begun on": format_datetime(at),
        "Paid" if out.paid_at else "Price": out.paid_text if out.paid_at else out.price,
        "Paid back": out.refunded_text if out.refunded else "",
        "Payment": str(out.id),
    }
    return [(name, text) for name, text in lines.items() if text]
