"""The caller of a request, as `AuthenticationMiddleware` stores it in the ASGI scope."""

import re
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
from litestar import Request

from api.http_semantics import list_members
from domain.caller import Caller

_BRACKETED = re.compile(r"\[([^\]]+)\]")


class Identity(msgspec.Struct, gc=False):
    """What the credentials of one request or websocket prove."""

    caller: Caller
    """Its id is None for a visitor without a cookie who only reads."""
    address: str
    """The client's IP address, as reported by the trusted proxies."""
    key_scopes: tuple[str, ...] = ()
    """The scopes of the API key; empty for visitors."""
    known: bool = False
    """Whether the request has a valid key or cookie; False when the id is new."""
    renew: bool = False
    """Whether the cookie is due to be issued again."""
    signed_out: bool = False
    """Whether the cookie names a visitor who has signed out."""
    replacement: UUID | msgspec.UnsetType | None = msgspec.UNSET
    """The visitor for the response's cookie, set by a handler. With None the browser keeps the
    cookie that it has."""


def identity_of(scope: Mapping[str, Any]) -> Identity:
    return cast(Identity, scope["identity"])


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The caller, with a new id if there is none yet."""
    caller = identity_of(request.scope).caller
    return caller if caller.id else msgspec.structs.replace(caller, id=uuid4())


def provide_identity(request: Request[Any, Any, Any]) -> Identity:
    return identity_of(request.scope)


def reader_id(request: Request[Any, Any, Any]) -> UUID | None:
    """The caller whose votes are shown; None without a valid key or cookie."""
    identity = identity_of(request.scope)
    return identity.caller.id if identity.known else None


def client_address(scope: Mapping[str, Any], trusted_hops: int) -> str:
    """The IP address of the client, from `X-Forwarded-For` as appended by the trusted proxies.

    Other headers are ignored, since clients can set them.
    """
    peer = scope["client"][0] if scope["client"] else ""
    if not trusted_hops:
        return peer
    hops = list_members(scope["headers"], b"x-forwarded-for")
    return _without_port(hops[-trusted_hops]) if len(hops) >= trusted_hops else peer


def _without_port(hop: str) -> str:
    """An address of `X-Forwarded-For`, to which some proxies append the port."""
    if match := _BRACKETED.match(hop):
        return match[1]
    address, _, _ = hop.partition(":")
    return address if hop.count(":") == 1 else hop
