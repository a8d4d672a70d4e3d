"""Whether a browser sends a request from a page of ours (Fetch metadata and `Origin`)."""

from collections.abc import Mapping
from typing import Any

SAME_ORIGIN = {b"same-origin", b"none"}
"""`Sec-Fetch-Site` of our own pages, and of what a user did outside any page. `same-site` is not
among them: another host below our domain is not trusted."""


def is_same_origin_websocket(scope: Mapping[str, Any], *, https_only: bool) -> bool:
    """Whether a websocket is opened by a page of this host. Browsers always send `Origin`."""
    origins = _values(scope, b"origin")
    return bool(origins) and _from_this_host(scope, origins, https_only)


def is_same_origin_request(scope: Mapping[str, Any], *, https_only: bool) -> bool:
    """Whether no other site made the browser send this.

    A request without `Origin` is not a browser's and carries no visitor's cookie but its own.
    `Authorization` cannot be sent by another site's page, since we allow no other origin to.
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
