"""Same-origin checks by Fetch metadata and the `Origin` header."""

from collections.abc import Mapping
from typing import Any

SAME_ORIGIN = {b"same-origin", b"none"}
"""Accepted values of `Sec-Fetch-Site`: this site's pages, and navigation by the user. `same-site`
is not accepted, since other hosts of the domain are not trusted."""


def is_same_origin_websocket(scope: Mapping[str, Any], *, https_only: bool) -> bool:
    """Whether a page of this host opens the websocket; browsers always send `Origin` with one."""
    origins = _values(scope, b"origin")
    return bool(origins) and _from_this_host(scope, origins, https_only)


def is_same_origin_request(scope: Mapping[str, Any], *, https_only: bool) -> bool:
    """Whether the request cannot come from a page of another site.

    A request with neither header is accepted: it does not come from a browser, so nobody else's
    cookie is sent with it. One with `Authorization` is accepted, since CORS allows no other origin
    to send that header.
    """
    if _values(scope, b"authorization"):
        return True
    fetched = _values(scope, b"sec-fetch-site")
    return all(value in SAME_ORIGIN for value in fetched) and _from_this_host(
        scope, _values(scope, b"origin"), https_only
    )


def _from_this_host(scope: Mapping[str, Any], origins: list[bytes], https_only: bool) -> bool:
    host = b"".join(_values(scope, b"host")).lower()
    schemes = [b"https"] if https_only else [b"https", b"http"]
    return all(
        origin.lower() in {scheme + b"://" + host for scheme in schemes} for origin in origins
    )


def _values(scope: Mapping[str, Any], name: bytes) -> list[bytes]:
    return [value for given, value in scope["headers"] if given == name]
