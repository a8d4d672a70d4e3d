"""Pages of lists, newest first, and ids expanded into what they name.

Source: https://docs.stripe.com/api/pagination and https://docs.stripe.com/api/expanding_objects
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

from .account import Account, Object
from .errors import Refused, missing
from .form import Form

MOST_PER_PAGE = 100
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def list_of(objects: Sequence[Object], url: str, *, has_more: bool = False) -> Object:
    return {"object": "list", "data": [*objects], "has_more": has_more, "url": url}


def page(objects: Sequence[Object], form: Form, url: str) -> Object:
    """The page that `limit`, `starting_after`, `ending_before` and `created` ask for."""
    limit = form.integer("limit")
    if limit is None:
        limit = 10
    if not 1 <= limit <= MOST_PER_PAGE:
        raise Refused(400, "Limit must be from 1 to 100.", param="limit")
    after, before = form.text("starting_after"), form.text("ending_before")
    bounds = _bounds(form)
    # Line items have no time of their own.
    objects = [
        one
        for one in objects
        if all(compare(one.get("created", 0), bound) for compare, bound in bounds)
    ]
    if before is not None:
        upto = objects[: _place(objects, before, "ending_before")]
        return list_of(upto[-limit:], url, has_more=len(upto) > limit)
    if after is not None:
        objects = objects[_place(objects, after, "starting_after") + 1 :]
    return list_of(objects[:limit], url, has_more=len(objects) > limit)


def _place(objects: Sequence[Object], id: str, param: str) -> int:
    for place, one in enumerate(objects):
        if one["id"] == id:
            return place
    raise missing("object", id, param, status=400)


def _bounds(form: Form) -> list[tuple[Callable[[int, int], bool], int]]:
    """What `created` asks for; read also where there is nothing to compare."""
    asked = form.branch_or_text("created")
    if isinstance(asked, str):
        return [(int.__eq__, int(asked))]
    bounds = [
        (compare, bound)
        for name, compare in COMPARISONS.items()
        if (bound := asked.integer(name)) is not None
    ]
    asked.nothing_else()
    return bounds


class Expander:
    """Puts objects where their ids stand."""

    def __init__(self, account: Account, included: Callable[[Object, str], Object | None]) -> None:
        self._account = account
        self._included = included
        """What is shown only when it is asked for, such as a session's line items."""

    def expanded(self, object: Object, paths: Sequence[str]) -> Object:
        """A copy of the object in which each path, such as `payment_intent.latest_charge`, leads
        to an object.

        Raises:
            Refused: A path leads nowhere.
        """
        object = copy.deepcopy(object)
        for path in paths:
            self._expand(object, path.split("."), path)
        return object

    def _expand(self, value: Any, names: Sequence[str], path: str) -> None:
        if isinstance(value, list):
            for one in value:
                self._expand(one, names, path)
            return
        if not names or value is None:
            return
        name, *rest = names
        if not isinstance(value, dict):
            raise Refused(400, f"This property cannot be expanded ({path}).", param="expand")
        inside = self._included(value, name) or value.get(name)
        if isinstance(inside, str):
            inside = copy.deepcopy(self._account.find(inside))
            if inside is None:
                raise Refused(400, f"This property cannot be expanded ({path}).", param="expand")
        elif name not in value and inside is None:
            raise Refused(400, f"This property cannot be expanded ({path}).", param="expand")
        value[name] = inside
        self._expand(inside, rest, path)
