"""Reading values from forms and events, which are untrusted."""

import re
from typing import Any
from uuid import UUID, uuid4

import reflex as rx

IDEMPOTENCY_KEY = re.compile(r"[0-9a-f]{32}")


def fields_of(form: Any) -> dict[str, Any]:
    """The fields of a form; none for any other type."""
    return form if isinstance(form, dict) else {}


def text_of(value: Any) -> str:
    """The text of a field without surrounding whitespace; empty for any other type."""
    return value.strip() if isinstance(value, str) else ""


def as_uuid(value: Any) -> UUID | None:
    """The value as a UUID; None if it is not one."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def idempotency_field() -> rx.Component:
    """A hidden field that `idempotency.js` fills: a form sent twice is one request to the API."""
    return rx.el.input(type="hidden", name="idempotency_key", default_value="")


def idempotency_key_of(form: dict[str, Any]) -> str:
    """The key in the form, or a new one if that is missing or malformed."""
    key = text_of(form.get("idempotency_key"))
    return key if IDEMPOTENCY_KEY.fullmatch(key) else uuid4().hex
