"""What a form brings; a browser may have sent anything."""

import re
from typing import Any
from uuid import uuid4

PRESS = re.compile(r"[0-9a-f]{32}")


def fields_of(form: Any) -> dict[str, Any]:
    return form if isinstance(form, dict) else {}


def text_of(value: Any) -> str:
    """The text in a form's field."""
    return value.strip() if isinstance(value, str) else ""


def press_of(form: dict[str, Any]) -> str:
    """The name of the press of the button, the same when it is sent again; else a new one."""
    given = text_of(form.get("press"))
    return given if PRESS.fullmatch(given) else uuid4().hex
