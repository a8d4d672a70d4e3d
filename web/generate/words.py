"""What the API says, in the words of the page: refusals with a next step, limits, prices."""

from collections.abc import Sequence

from api.schemas.generation import ModelOut
from api.schemas.problem import FieldProblem
from api.schemas.quote import LiveQuoteOut
from web.factoid.card import money
from web.generate.form import Trouble
from web.generate.form_parts import Quote

VAULT = "Or have one from the vault: a fact you have not met yet, free."

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
FAILED = "Factoid generation failed"
HINTS = {
    "generation_limit": f"There is plenty to read meanwhile. {VAULT}",
    "budget_used_up": "There is more at midnight UTC. Reading, voting and searching go on. "
    f"{VAULT}",
    "no_credits": f"Those that you used wrote you facts; your account shows each. {VAULT}",
    "captcha_required": "Check the box above, then go again.",
    "idempotency_key_in_use": "Give it a moment.",
    "cancelled": "Change the topic if you like, and go again.",
    "invalid": "Change it and go again.",
    "unknown_model": "Choose another model, or leave the choice to us.",
    "connection_lost": "If it was finished, it is at the top of the feed.",
}
GOES_ON = "Meanwhile reading, voting, searching and shuffling all go on."
SAID_BY_THE_COUNTDOWN = {"generation_limit", "rate_limited", "budget_used_up"}

SPANS = {60: "this minute", 3_600: "this hour", 86_400: "today"}
NAMED_SPANS = {"minute": "this minute", "hour": "this hour", "day": "today"}


def in_words(
    code: str,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    request_id: str = "",
    *,
    offer: bool = False,
    pay: bool = False,
) -> Trouble:
    """A refusal as a visitor reads it: what happened, why, and what to do next."""
    said = "" if code in SAID_BY_THE_COUNTDOWN else detail
    why = [said, *(error.detail for error in errors if error.detail not in detail)]
    return Trouble(
        code=code,
        title=TITLES.get(code, FAILED),
        detail=" ".join(part for part in why if part),
        hint=HINTS.get(code, GOES_ON),
        request_id=request_id,
        offer=offer,
        pay=pay,
    )


def quote_words(quote: LiveQuoteOut) -> Quote:
    """What one costs us, takes and leaves; what is not known is said to be so."""
    most = f"at most {money(quote.worst_case_usd)}"
    price = f"{quote.name}: {most}" if quote.model else f"{most[0].upper()}{most[1:]}"
    if quote.usual_usd is not None:
        price += f", usually {money(quote.usual_usd)}"
    left = [
        f"{one.remaining} {NAMED_SPANS.get(one.name, f'per {one.name}')}"
        for one in quote.left_after
    ]
    return Quote(
        price=price,
        wait="Nobody knows yet how long it takes"
        if quote.expected_wait_s is None
        else f"About {about(quote.expected_wait_s)}",
        after=f"Leaves you {', '.join(left)}" if quote.allowed and left else "",
    )


def about(seconds: float) -> str:
    """A time as people guess it.

    >>> about(0.4), about(12.3), about(100)
    ('a second', '12 seconds', '2 minutes')
    """
    if seconds < 1.5:
        return "a second"
    if seconds < 90:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes"


def model_words(model: ModelOut) -> str:
    return f"{model.name}, at most {money(model.worst_case_usd)} a fact"
