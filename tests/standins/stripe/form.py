"""Stripe's form encoding, in which `line_items[0][price_data][currency]=usd` is a tree."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from .errors import Refused

_PART = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def read_body(body: bytes) -> dict[str, Any]:
    return tree(parse_qsl(body.decode(), keep_blank_values=True))


def tree(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Names as branches, numbered ones as lists; the values stay strings."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        *branches, leaf = _PART.findall(name) or [name]
        here = root
        for branch in branches:
            here = here.setdefault(branch or str(len(here)), {})
            if not isinstance(here, dict):
                raise Refused(400, f"Invalid object: {name}", param=name)
        here[leaf or str(len(here))] = value
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(one) for name, one in value.items()}


class Form:
    """The parameters of one request, or of a branch of them; what is read is no longer unknown."""

    def __init__(self, values: Any, path: str = "") -> None:
        if not isinstance(values, dict):
            raise Refused(400, "Invalid object", param=path)
        self._values: dict[str, Any] = values
        self._path = path
        self._read = set[str]()

    def __contains__(self, name: str) -> bool:
        return self._values.get(name, "") != ""

    def param(self, name: str) -> str:
        return f"{self._path}[{name}]" if self._path else name

    def text(self, name: str, *, most: int = 5_000) -> str | None:
        value = self._take(name)
        if isinstance(value, dict | list):
            raise Refused(400, f"Invalid string: {value}", param=self.param(name))
        if value is not None and len(value) > most:
            message = f"Invalid string: {value[:20]}…; must be at most {most} characters"
            raise Refused(400, message, param=self.param(name))
        return value

    def required(self, name: str) -> str:
        if (value := self.text(name)) is None:
            raise self.missing(name)
        return value

    def missing(self, name: str) -> Refused:
        param = self.param(name)
        return Refused(
            400, f"Missing required param: {param}.", code="parameter_missing", param=param
        )

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is not None and not re.fullmatch(r"-?\d{1,18}", value):
            message = f"Invalid integer: {value}"
            raise Refused(400, message, code="parameter_invalid_integer", param=self.param(name))
        return None if value is None else int(value)

    def boolean(self, name: str) -> bool | None:
        value = self.text(name)
        if value not in {None, "true", "false"}:
            raise Refused(400, f"Invalid boolean: {value}", param=self.param(name))
        return None if value is None else value == "true"

    def choice(self, name: str, *allowed: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            message = f"Invalid {self.param(name)}: must be one of {', '.join(allowed)}"
            raise Refused(400, message, param=self.param(name))
        return value

    def branch(self, name: str) -> "Form":
        return Form(self._take(name) or {}, self.param(name))

    def branch_or_text(self, name: str) -> "Form | str":
        """For what may be `created=1` as well as `created[gte]=1`."""
        value = self._take(name)
        if not isinstance(value, str):
            return self.branch(name)
        if not value.isdecimal():
            raise Refused(400, f"Invalid timestamp: {value}", param=self.param(name))
        return value

    def branches(self, name: str) -> "list[Form]":
        values = self._take(name) or []
        if not isinstance(values, list):
            raise Refused(400, "Invalid array", param=self.param(name))
        return [Form(one, f"{self.param(name)}[{at}]") for at, one in enumerate(values)]

    def texts(self, name: str) -> list[str]:
        values = self._take(name) or []
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise Refused(400, "Invalid array", param=self.param(name))
        return values

    def metadata(self) -> dict[str, str]:
        """Stripe's limits: 50 keys of 40 characters, values of 500."""
        values = self._take("metadata") or {}
        param = self.param("metadata")
        if not isinstance(values, dict) or len(values) > 50:
            raise Refused(400, "Metadata can have up to 50 keys.", param=param)
        for key, value in values.items():
            if len(key) > 40 or not isinstance(value, str) or len(value) > 500:
                message = "Metadata keys have up to 40 characters, values up to 500."
                raise Refused(400, message, param=f"{param}[{key}]")
        return {key: value for key, value in values.items() if value}

    def nothing_else(self) -> None:
        """Refuse what Stripe does not know, or this stand-in does not do."""
        for name in self._values:
            if name not in self._read:
                param = self.param(name)
                message = f"Received unknown parameter: {param}"
                raise Refused(400, message, code="parameter_unknown", param=param)

    def _take(self, name: str) -> Any:
        self._read.add(name)
        value = self._values.get(name)
        return None if value == "" else value
