"""The page at `/`: every payment with what may still happen to it, and every event's deliveries."""

from collections.abc import Iterator
from html import escape

from . import frame
from .account import Account, Object
from .currencies import written
from .delivery import MANNERS, Deliveries

EVENTS_SHOWN = 50


def staff_page(account: Account, deliveries: Deliveries, problem: str | None = None) -> bytes:
    said = f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else ""
    sessions = account.newest("checkout.session")
    payments = frame.table(
        ["Made", "What", "Amount", "State", "Reference", "What may happen"],
        [_payment(account, session) for session in sessions],
        empty="Nobody has begun a payment yet.",
    )
    events = frame.table(
        ["At", "Event", "Delivered", ""],
        [_event(event, deliveries) for event in account.newest("event")[:EVENTS_SHOWN]],
        empty="Nothing has happened yet.",
    )
    return frame.page(
        "Payments",
        f"<h1>Payments</h1>{said}{payments}<h2>Events</h2>{_webhook(deliveries)}{events}",
    )


def _webhook(deliveries: Deliveries) -> str:
    if deliveries.url is None:
        return '<p class="quiet">No webhook is known, so all events are held.</p>'
    options = "".join(
        f"<option{' selected' if manner == deliveries.manner else ''}>{manner}</option>"
        for manner in MANNERS
    )
    return (
        '<form method="post" action="/staff/manner" class="quiet"><label>They go to'
        f" <code>{escape(deliveries.url)}</code>, new ones"
        f' <select name="id">{options}</select></label> <button>Change</button></form>'
    )


def _payment(account: Account, session: Object) -> list[str]:
    items = account.line_items[session["id"]]
    intent = account.find(session["payment_intent"] or "")
    charge = account.find((intent or {}).get("latest_charge") or "")
    what = escape(", ".join(item["description"] for item in items))
    link = f'<a href="{escape(session["url"])}">{what}</a>' if session["url"] else what
    return [
        frame.at(session["created"]),
        f"{link}<br><code>{session['id'][:20]}…</code>",
        escape(written(session["amount_total"], session["currency"])),
        "<br>".join(_states(session, charge)),
        f"<code>{escape(session['client_reference_id'] or '')}</code>",
        "".join(_steps(account, session, intent, charge)),
    ]


def _states(session: Object, charge: Object | None) -> Iterator[str]:
    yield f"{session['status']}, {session['payment_status'].replace('_', ' ')}"
    if charge and charge["status"] == "failed":
        yield f'<span class="bad">{escape(charge["failure_message"])}</span>'
    if charge and charge["amount_refunded"]:
        yield f"refunded {escape(written(charge['amount_refunded'], charge['currency']))}"
    if charge and charge["disputed"]:
        yield "disputed"


def _steps(
    account: Account, session: Object, intent: Object | None, charge: Object | None
) -> Iterator[str]:
    if session["status"] == "open":
        yield _step("expire", "Expire", session["id"])
    if intent and intent["status"] == "processing":
        yield _step("succeed", "Async succeeded", session["id"])
        yield _step("fail", "Async failed", session["id"])
    if charge is None or charge["status"] != "succeeded":
        return
    disputes = [one for one in account.newest("dispute") if one["charge"] == charge["id"]]
    if not charge["refunded"] and all(dispute["status"] == "won" for dispute in disputes):
        yield _refund(charge)
    if not charge["refunded"] and not charge["disputed"]:
        yield _step("dispute", "Dispute", charge["id"])
    for refund in account.newest("refund"):
        if refund["charge"] == charge["id"]:
            yield from _refund_steps(refund)
    for dispute in disputes:
        if dispute["status"] == "needs_response":
            yield _step("win", "Dispute won", dispute["id"])
            yield _step("lose", "Dispute lost", dispute["id"])


def _refund(charge: Object) -> str:
    left = charge["amount"] - charge["amount_refunded"]
    return (
        '<form method="post" action="/staff/refund">'
        f'<input type="hidden" name="id" value="{charge["id"]}">'
        f'<input type="number" name="amount" min="1" max="{left}" value="{left}"'
        ' aria-label="Amount in the smallest unit">'
        '<label><input type="checkbox" name="slow" value="true"> slow</label>'
        "<button>Refund</button></form>"
    )


def _refund_steps(refund: Object) -> Iterator[str]:
    amount = written(refund["amount"], refund["currency"])
    if refund["status"] == "pending":
        yield _step("refund-succeeds", f"Refund of {amount} arrives", refund["id"])
    if refund["status"] != "failed":
        yield _step("refund-fails", f"Refund of {amount} fails", refund["id"])


def _event(event: Object, deliveries: Deliveries) -> list[str]:
    statuses = [
        str(attempt.status or "no answer")
        for attempt in deliveries.attempts
        if attempt.event_id == event["id"]
    ]
    return [
        frame.at(event["created"]),
        f"{event['type']}<br><code>{event['id']}</code>",
        ", ".join(statuses) or ("not yet" if event["pending_webhooks"] else "earlier"),
        _step("deliver", "Deliver again" if statuses else "Deliver", event["id"]),
    ]


def _step(action: str, said: str, id: str) -> str:
    return frame.button(f"/staff/{action}", said, id=id)
