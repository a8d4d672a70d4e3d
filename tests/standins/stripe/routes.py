"""`/v1`: which path asks for what."""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .account import Account, Object
from .errors import Refused
from .form import Form
from .lists import Expander, list_of, page
from .refunds import Refunds
from .sessions import Sessions

Route = Callable[[Form, str], Object]
RESOURCES = {
    "/v1/charges": "charge",
    "/v1/disputes": "dispute",
    "/v1/events": "event",
    "/v1/payment_intents": "payment_intent",
    "/v1/prices": "price",
    "/v1/products": "product",
    "/v1/refunds": "refund",
    "/v1/balance_transactions": "balance_transaction",
}
FILTERS = {
    "charge": ("payment_intent",),
    "dispute": ("charge", "payment_intent"),
    "event": (),
    "payment_intent": (),
    "price": ("currency",),
    "product": (),
    "refund": ("charge", "payment_intent"),
    "balance_transaction": ("currency", "source", "type"),
}
SESSIONS = "/v1/checkout/sessions"


class Routes:
    """Answers requests by their method and path."""

    def __init__(self, account: Account, sessions: Sessions, refunds: Refunds) -> None:
        self._account = account
        self._sessions = sessions
        self._expander = Expander(account, self._included)
        self._routes: list[tuple[str, Route]] = [
            (f"POST {SESSIONS}", lambda form, _: sessions.create(form)),
            (f"GET {SESSIONS}", self._list_sessions),
            (f"GET {SESSIONS}/([^/]+)", lambda _, id: sessions.get(id)),
            (f"POST {SESSIONS}/([^/]+)/expire", lambda _, id: sessions.expire(id)),
            (f"GET {SESSIONS}/([^/]+)/line_items", self._list_line_items),
            ("POST /v1/refunds", lambda form, _: refunds.create(form)),
        ]
        for path, kind in RESOURCES.items():
            self._routes += [
                (f"GET {path}", self._listing(kind, path)),
                (f"GET {path}/([^/]+)", self._getting(kind)),
            ]

    def answer(self, method: str, path: str, params: dict[str, Any]) -> Object:
        """The object asked for, expanded.

        Raises:
            Refused: It cannot be given, or there is nothing at the address.
        """
        form = Form(params)
        paths = form.texts("expand")
        for pattern, route in self._routes:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                answered = route(form, *(found.groups() or ("",)))
                form.nothing_else()
                return self._expander.expanded(answered, paths)
        message = f"Unrecognized request URL ({method}: {path}). If you are trying to list objects,"
        raise Refused(404, f"{message} remove the trailing slash.")

    def _list_sessions(self, form: Form, _: str) -> Object:
        asked = {name: form.text(name) for name in ("payment_intent", "status")}
        return page(_matching(self._sessions.newest(), asked), form, SESSIONS)

    def _list_line_items(self, form: Form, id: str) -> Object:
        session = self._sessions.get(id)
        items = self._account.line_items[session["id"]]
        return page(items, form, f"{SESSIONS}/{id}/line_items")

    def _listing(self, kind: str, path: str) -> Route:
        def list_kind(form: Form, _: str) -> Object:
            asked = {name: form.text(name) for name in FILTERS[kind]}
            found = _matching(self._account.newest(kind), asked)
            if kind == "event":
                found = _of_types(found, form)
            return page(found, form, path)

        return list_kind

    def _getting(self, kind: str) -> Route:
        return lambda _, id: self._account.get(kind, id)

    def _included(self, object: Object, name: str) -> Object | None:
        match object.get("object"), name:
            case "checkout.session", "line_items":
                items = self._account.line_items[object["id"]]
                return list_of(items, f"{SESSIONS}/{object['id']}/line_items")
            case "charge", "refunds":
                refunds = _matching(self._account.newest("refund"), {"charge": object["id"]})
                return list_of(refunds, f"/v1/charges/{object['id']}/refunds")
            case _:
                return None


def _matching(objects: list[Object], asked: dict[str, str | None]) -> list[Object]:
    wanted = {name: value for name, value in asked.items() if value is not None}
    return [one for one in objects if all(one[name] == wanted[name] for name in wanted)]


def _of_types(events: list[Object], form: Form) -> list[Object]:
    types, delivered = form.texts("types"), form.boolean("delivery_success")
    if type := form.text("type"):
        types = [type]
    if types:
        # A star stands for the rest of a name.
        events = [
            event for event in events if any(fnmatchcase(event["type"], one) for one in types)
        ]
    if delivered is not None:
        events = [event for event in events if (event["pending_webhooks"] == 0) == delivered]
    return events
