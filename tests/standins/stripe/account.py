"""All that a Stripe account holds, as the wire shows it, and the events of what happened."""

import copy
import secrets
import string
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from .errors import missing

Object = dict[str, Any]
API_VERSION = "2026-10-28.endive"
"""What the stripe package 16.1 pins."""

LETTERS = string.ascii_letters + string.digits
NO_REQUEST: Object = {"id": None, "idempotency_key": None}


def new_id(prefix: str, letters: int = 24) -> str:
    return prefix + "".join(secrets.choice(LETTERS) for _ in range(letters))


class Account:
    """One account in test mode, or with `livemode` in live mode."""

    def __init__(self, *, livemode: bool = False) -> None:
        self.livemode = livemode
        self.base_url = ""
        """Where the stand-in is reached; checkout pages lie under it."""
        self.happened: Callable[[Object], None] = lambda event: None
        """Is told every new event."""
        self.changed: Callable[[], None] = lambda: None
        """Is called when something may have changed, before anybody is told."""
        self.request = NO_REQUEST
        """The API request being answered, which events name as their cause."""
        self.line_items: dict[str, list[Object]] = {}
        """By session, which shows them only when asked."""
        self.carried: dict[str, Object] = {}
        """By session: what its payment intent is to carry."""
        self._objects = defaultdict[str, dict[str, Object]](dict)
        self._ahead_s = 0

    def forget(self) -> None:
        self._objects.clear()
        self.line_items.clear()
        self.carried.clear()
        self._ahead_s = 0

    def written(self) -> Object:
        """All there is, for `read`."""
        return {"objects": self._objects, "line_items": self.line_items, "carried": self.carried}

    def read(self, written: Object) -> None:
        """Go on from what was written before."""
        self._objects.update(written["objects"])
        self.line_items, self.carried = written["line_items"], written["carried"]

    def now(self) -> int:
        """Unix time, in seconds."""
        return int(time.time()) + self._ahead_s

    def later(self, seconds: int) -> None:
        """Put the account's clock forward."""
        self._ahead_s += seconds

    def keep(self, object: Object) -> Object:
        self._objects[object["object"]][object["id"]] = object
        return object

    def get(self, kind: str, id: str, param: str = "id", *, status: int = 404) -> Object:
        """By the wire's name of its kind, such as `checkout.session`.

        Raises:
            Refused: There is none.
        """
        if (found := self._objects[kind].get(id)) is None:
            raise missing(kind, id, param, status=status)
        return found

    def find(self, id: str) -> Object | None:
        """Of whatever kind."""
        return next((kind[id] for kind in self._objects.values() if id in kind), None)

    def newest(self, kind: str) -> list[Object]:
        """Newest first, as every list of Stripe's."""
        return [*reversed(self._objects[kind].values())]

    def happen(self, type: str, object: Object, previous: Object | None = None) -> Object:
        """Keep the event that shows the object as it is now, and tell it."""
        data: Object = {"object": copy.deepcopy(object)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": new_id("evt_1"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": self.livemode,
            "pending_webhooks": 1,
            "request": self.request,
            "type": type,
        }
        self.happened(self.keep(event))
        return event

    def change(self, object: Object, **changes: Any) -> Object:
        """Change an object; answers what it said before, as `previous_attributes` would."""
        previous = {name: object[name] for name in changes if object[name] != changes[name]}
        object.update(changes)
        return previous
