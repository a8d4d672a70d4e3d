"""The page a session's `url` leads to: what is bought, and every way it can end."""

from collections.abc import Sequence
from html import escape

from . import frame
from .account import Object
from .currencies import DELAYED, written

STATES = {
    "complete": "This checkout is complete. Nothing more can be paid here.",
    "expired": "This checkout has expired. Nothing was paid.",
}


def checkout_page(session: Object, items: Sequence[Object], problem: str | None = None) -> bytes:
    """The page of one session, with the reason why the last try failed."""
    currency = session["currency"]
    parts = [
        f'<p class="quiet">{escape(item["description"])} × {item["quantity"]}</p>' for item in items
    ]
    parts.append(f'<h1 class="price">{escape(written(session["amount_total"], currency))}</h1>')
    submit = session["custom_text"]["submit"]
    if submit:
        parts.append(f"<p>{escape(submit['message'])}</p>")
    if problem:
        parts.append(f'<p class="bad" role="alert">{escape(problem)}</p>')
    if session["status"] == "open":
        parts.append(f'<div class="stack">{"".join(_ways(session))}</div>')
    else:
        parts.append(f"<p>{STATES[session['status']]}</p>")
    parts.append(_way_back(session))
    return frame.page("Checkout", f'<div class="card">{"".join(parts)}</div>', narrow=True)


def _ways(session: Object) -> list[str]:
    here = session["url"]
    price = written(session["amount_total"], session["currency"])
    ways = [frame.button(here, f"Pay {price}", main=True, action="pay")]
    method = DELAYED.get(session["currency"])
    if method and method in session["payment_method_types"]:
        name = method.replace("_", " ")
        ways.append(frame.button(here, f"Pay later ({name}, takes days)", action="pay_later"))
    if session["allow_promotion_codes"]:
        ways.append(frame.button(here, "Use a 100 % promotion code", action="use_code"))
    ways.append(frame.button(here, "Try a card that is declined", action="decline"))
    return ways


def _way_back(session: Object) -> str:
    if not session["cancel_url"]:
        return ""
    return f'<p><a href="{escape(session["cancel_url"])}">← Back without paying</a></p>'
