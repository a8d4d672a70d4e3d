"""The texts of the generate form: refusals with a next step, limits, prices."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.schemas.generation import ModelOut
from api.schemas.problem import FieldProblem
from api.schemas.quote import LiveQuoteOut
from web.ui.format import format_cost, format_duration
from web.ui.refusal import RefusalView

VAULT_HINT = "Or have one from the vault: a fact you have not met yet, free."

TITLES = {
    "generation_limit": "You have had your free factoids for now",
    "rate_limited": "You have had your free factoids for now",
    "budget_used_up": "Today's money for new facts is spent",
    "no_credits": "No credits left",
    "captcha_required": "One quick check first",
    "captcha_unavailable": "The check is not to be had right now",
    "idempotency_key_in_use": "It is already on its way",
    "duplicate": "Our overlords only came up with old news",
    "cancelled": "Stopped, as you wished",
    "invalid": "Our overlords cannot work with that",
    "unknown_model": "That overlord has left the building",
    "no_models": "All our overlords are out",
    "model_timeout": "That overlord fell asleep",
    "unavailable": "Our overlords are catching their breath",
    "unreachable": "Our overlords are not picking up",
    "connection_lost": "We lost the thread",
}
DEFAULT_TITLE = "Factoid generation failed"
HINTS = {
    "generation_limit": f"There is plenty to read meanwhile. {VAULT_HINT}",
    "budget_used_up": "There is more at midnight UTC. Reading, voting and searching go on. "
    f"{VAULT_HINT}",
    "no_credits": f"Those that you used wrote you facts; your account shows each. {VAULT_HINT}",
    "captcha_required": "Check the box above, then go again.",
    "idempotency_key_in_use": "Give it a moment.",
    "cancelled": "Change the topic if you like, and go again.",
    "invalid": "Change it and go again.",
    "unknown_model": "Choose another model, or leave the choice to us.",
    "connection_lost": "If it was finished, it is at the top of the feed.",
}
DEFAULT_HINT = "Meanwhile reading, voting, searching and shuffling all go on."
COUNTDOWN_CODES = {"generation_limit", "rate_limited", "budget_used_up"}
"""Refusals whose detail the countdown already shows."""

SPANS = {60: "this minute", 3_600: "this hour", 86_400: "today"}
NAMED_SPANS = {"minute": "this minute", "hour": "this hour", "day": "today"}


@dataclass
class QuoteView:
    """The price of the next factoid, its expected duration and the allowance after it, as text."""

    price: str
    wait: str
    after: str


def to_refusal(
    code: str,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    request_id: str = "",
    *,
    offer_vault: bool = False,
    offer_payment: bool = False,
) -> RefusalView:
    """A refusal as the page shows it."""
    shown = "" if code in COUNTDOWN_CODES else detail
    parts = [shown, *(error.detail for error in errors if error.detail not in detail)]
    return RefusalView(
        code=code,
        title=TITLES.get(code, DEFAULT_TITLE),
        detail=" ".join(part for part in parts if part),
        hint=HINTS.get(code, DEFAULT_HINT),
        request_id=request_id,
        offer_vault=offer_vault,
        offer_payment=offer_payment,
    )


def to_quote_view(quote: LiveQuoteOut) -> QuoteView:
    """A quote as the page shows it; an unknown duration is named as such."""
    most = f"at most {format_cost(quote.worst_case_usd)}"
    price = f"{quote.name}: {most}" if quote.model else f"{most[0].upper()}{most[1:]}"
    if quote.usual_usd is not None:
        price += f", usually {format_cost(quote.usual_usd)}"
    left = [
        f"{window.remaining} {NAMED_SPANS.get(window.name, f'per {window.name}')}"
        for window in quote.left_after
    ]
    return QuoteView(
        price=price,
        wait="Nobody knows yet how long it takes"
        if quote.expected_wait_s is None
        else f"About {format_duration(quote.expected_wait_s)}",
        after=f"Leaves you {', '.join(left)}" if quote.allowed and left else "",
    )


def model_text(model: ModelOut) -> str:
    return f"{model.name}, at most {format_cost(model.worst_case_usd)} a fact"
