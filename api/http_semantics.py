"""Methods as RFC 9110 speaks of them."""

from collections.abc import Iterable

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Those that change nothing."""


def allow_header(methods: Iterable[str]) -> str:
    """The value of `Allow`; there is a HEAD wherever there is a GET."""
    listed = set(methods)
    return ", ".join(sorted(listed | ({"HEAD"} if "GET" in listed else set())))
