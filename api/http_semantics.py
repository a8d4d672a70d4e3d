"""HTTP methods and header fields as defined by RFC 9110."""

import re
from collections.abc import Iterable

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_QVALUE = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


def allow_header(methods: Iterable[str]) -> str:
    """The value of the `Allow` header; every GET handler also responds to HEAD."""
    listed = set(methods)
    return ", ".join(sorted(listed | ({"HEAD"} if "GET" in listed else set())))


def list_members(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """The members of a header that is a list, of all its lines (section 5.6.1)."""
    lines = (value.decode("latin-1") for given, value in headers if given.lower() == name)
    return [member.strip() for line in lines for member in line.split(",") if member.strip()]


def accepts_gzip(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether `Accept-Encoding` names gzip, or any coding, with a weight above 0 (section 12.5.3).

    What has no valid weight is not accepted.
    """
    weights: dict[str, float] = {}
    for member in list_members(headers, b"accept-encoding"):
        coding, *parameters = (part.strip().lower() for part in member.split(";"))
        weights[coding] = _weight(parameters)
    named = [weights[coding] for coding in ("gzip", "x-gzip") if coding in weights]
    return max(named, default=weights.get("*", 0.0)) > 0


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _QVALUE.fullmatch(value.strip()) else 0.0
    return 1.0
