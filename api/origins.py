"""Which requests come from pages of ours, as the browser that sends them says."""

from collections.abc import Mapping
from typing import Any

OURS = {b"same-origin", b"none"}
"""`Sec-Fetch-Site` of our own pages, and of what a person did outside of any page. `same-site`
is not among them: whoever has another name below our domain is a stranger."""


def is_same_origin_websocket(scope: Mapping[str, Any], *, https_only: bool) -> bool:
    """Whether a websocket is for a page of this very host. Browsers always say where it is from."""
    origins = _all(scope, b"origin")
    return bool(origins) and _from_here(scope, origins, https_only)


def is_same_origin_request(scope: Mapping[str, Any], *, https_only: bool) -> bool:
    """Whether a request that changes something is no other site's doing.

    What has no `Origin` is no browser's and carries no visitor's cookie but its own; what has an
    `Authorization` cannot be sent by a page elsewhere, for no other origin is allowed to.
    """
    if _all(scope, b"authorization"):
        return True
    fetched = _all(scope, b"sec-fetch-site")
    return all(value in OURS for value in fetched) and _from_here(
        scope, _all(scope, b"origin"), https_only
    )


def _from_here(scope: Mapping[str, Any], origins: list[bytes], https_only: bool) -> bool:
    host = b"".join(_all(scope, b"host")).lower()
    schemes = [b"https"] if https_only else [b"https", b"http"]
    return all(
        origin.lower() in {scheme + b"://" + host for scheme in schemes} for origin in origins
    )


def _all(scope: Mapping[str, Any], name: bytes) -> list[bytes]:
    return [value for given, value in scope["headers"] if given == name]
