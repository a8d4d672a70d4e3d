"""HTTP methods as defined by RFC 9110."""

from collections.abc import Iterable

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""


def allow_header(methods: Iterable[str]) -> str:
    """The value of the `Allow` header; every GET handler also responds to HEAD."""
    listed = set(methods)
    return ", ".join(sorted(listed | ({"HEAD"} if "GET" in listed else set())))
