"""What the API says, in the words of the page: refusals with a next step, limits, prices."""

from collections.abc import Sequence

from api.schemas.generation import LimitOut, ModelOut
from api.schemas.problem import FieldProblem
from web.cards import money
from web.components.generate_form import Trouble

TITLES = {
    "generation_limit": "You have had your free factoids for now",
    "rate_limited": "You have had your free factoids for now",
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
    "generation_limit": "There is plenty to read meanwhile: shuffle, or search for something odd.",
    "cancelled": "Change the topic if you like, and go again.",
    "invalid": "Change it and go again.",
    "unknown_model": "Choose another model, or leave the choice to us.",
    "connection_lost": "If it was finished, it is at the top of the feed.",
}
GOES_ON = "Meanwhile reading, voting, searching and shuffling all go on."

SPANS = {60: "this minute", 3_600: "this hour", 86_400: "today"}


def in_words(
    code: str, detail: str, errors: Sequence[FieldProblem] = (), request_id: str = ""
) -> Trouble:
    """A refusal as a visitor reads it: what happened, why, and what to do next."""
    why = [detail, *(error.detail for error in errors if error.detail not in detail)]
    return Trouble(
        code=code,
        title=TITLES.get(code, FAILED),
        detail=" ".join(part for part in why if part),
        hint=HINTS.get(code, GOES_ON),
        request_id=request_id,
    )


def limit_words(limits: list[LimitOut]) -> str:
    """What is left, as one line.

    >>> limit_words([LimitOut("minute", 1, 60, 1, 0), LimitOut("hour", 3, 3600, 2, 0)])
    'Free for you: 1 this minute, 2 this hour.'
    """
    left = [f"{one.remaining} {SPANS.get(one.window_s, f'per {one.window_s} s')}" for one in limits]
    return f"Free for you: {', '.join(left)}." if left else ""


def model_words(model: ModelOut) -> str:
    return f"{model.name}, at most {money(model.worst_case_usd)} a fact"
