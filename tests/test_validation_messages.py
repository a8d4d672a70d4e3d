"""Validation messages do without the names of Python's types."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta

from settings.validation_messages import GENERIC_MESSAGE, humanize

CASES: list[tuple[Any, Any, str]] = [
    (int, "1", "must be a whole number, not text."),
    (int | None, "1", "must be a whole number, not text."),
    (int | bool, "1", "must be true or false or a whole number, not text."),
    (float, True, "must be a number, not true or false."),
    (str, 1, "must be text, not a whole number."),
    (str, None, "must be text, not nothing."),
    (list[int], {}, "must be a list, not an object with named fields."),
    (dict[str, int], [], "must be an object with named fields, not a list."),
    (Decimal, "one", "must be a number."),
    (UUID, "x", "must be an id."),
    (datetime, "soon", "must be a moment like 2026-11-20T09:00:00Z."),
    (date, "soon", "must be a date like 2026-11-20."),
    (Literal["a", "b"], "c", "must be one of the values listed for it."),
    (Annotated[int, Meta(ge=1)], 0, "must be at least 1."),
    (Annotated[float, Meta(le=2)], 3, "must be at most 2."),
    (Annotated[str, Meta(max_length=1_000)], "x" * 1_001, "must have at most 1,000 characters."),
    (Annotated[list[int], Meta(max_length=1)], [1, 2], "must have at most 1 entries."),
    (Annotated[str, Meta(pattern="^a$")], "b", GENERIC_MESSAGE),
]


@pytest.mark.parametrize(("kind", "value", "said"), CASES)
def test_humanize(kind: Any, value: Any, said: str):
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)

    assert humanize(str(refused.value).partition(" - at `$")[0]) == said
