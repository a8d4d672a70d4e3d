"""What the API says, in the words of the page: refusals with a next step, limits, prices."""

from collections.abc import Sequence

from api.schemas.generation import LimitOut, ModelOut
from api.schemas.problem import FieldProblem
from web.cards import money
from web.components.generate_form import Trouble

TITLES = {
    "rate_limited": "You have had your free factoids for now",
    "budget_exhausted": "The free ink is used up for today",
    "duplicate": "Our overlords only came up with old news",
    "cancelled": "Stopped, as you wished",
    "unreachable": "Our overlords are not picking up",
    "connection_lost": "We lost the thread",
}
NEXT = {
    "rate_limited": "Meanwhile reading, voting, searching and shuffling all go on.",
    "budget_exhausted": "It is filled up at midnight UTC. Reading, voting and searching go on.",
    "duplicate": "It was not counted. Try a narrower or a stranger topic.",
    "cancelled": "Change the topic if you like, and go again.",
    "connection_lost": "If it was finished, it is at the top of the feed.",
}
FAILED = "Factoid generation failed"
TRY_AGAIN = "Try again in a moment, or choose another topic or model."

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
        hint=NEXT.get(code, TRY_AGAIN),
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
