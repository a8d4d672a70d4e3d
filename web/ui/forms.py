"""Values from forms and events; a browser may have sent anything."""

import re
from typing import Any
from uuid import UUID, uuid4

import reflex as rx

IDEMPOTENCY_KEY = re.compile(r"[0-9a-f]{32}")


def fields_of(form: Any) -> dict[str, Any]:
    return form if isinstance(form, dict) else {}


def text_of(value: Any) -> str:
    """The text of a field, without spaces around it."""
    return value.strip() if isinstance(value, str) else ""


def as_uuid(value: Any) -> UUID | None:
    """The value as a UUID; None when it is none."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def idempotency_field() -> rx.Component:
    """A hidden field that `idempotency.js` fills: a form sent twice is one request to the API."""
    return rx.el.input(type="hidden", name="idempotency_key", default_value="")


def idempotency_key_of(form: dict[str, Any]) -> str:
    """The key that the form brought, or a new one."""
    given = text_of(form.get("idempotency_key"))
    return given if IDEMPOTENCY_KEY.fullmatch(given) else uuid4().hex
