"""Who is calling. `AuthenticationMiddleware` finds it out once; handlers read it from the scope."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
from litestar import Request

from domain.caller import Caller


class Identity(msgspec.Struct, gc=False):
    """What the credentials of one request or websocket prove."""

    caller: Caller
    """Its id is None for a visitor without a cookie who only reads."""
    address: str
    """Of the client, as far as our own proxies vouch for it."""
    key_scopes: tuple[str, ...] = ()
    """What the API key is for; empty for visitors."""
    known: bool = False
    """Whether a valid key or cookie came with it; an id that was just made is not known."""
    renew: bool = False
    """Whether the cookie is due to be issued again."""
    signed_out: bool = False
    """Whether the cookie names a visitor who has signed out."""
    replacement: UUID | msgspec.UnsetType | None = msgspec.UNSET
    """Set by a handler: the visitor that the answer's cookie shall name. None leaves the browser
    the cookie it has."""


def identity_of(scope: Mapping[str, Any]) -> Identity:
    return cast(Identity, scope["identity"])


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The caller, for handlers that need one with an id."""
    caller = identity_of(request.scope).caller
    return caller if caller.id else msgspec.structs.replace(caller, id=uuid4())


def provide_identity(request: Request[Any, Any, Any]) -> Identity:
    return identity_of(request.scope)


def reader_id(request: Request[Any, Any, Any]) -> UUID | None:
    """Whose votes may be shown; None for a caller who is not known."""
    identity = identity_of(request.scope)
    return identity.caller.id if identity.known else None


def client_address(scope: Mapping[str, Any], trusted_hops: int) -> str:
    """The address of the client; forwarding headers count only from that many trusted proxies.

    No other header that claims to know it is read at all.
    """
    peer = scope["client"][0] if scope["client"] else ""
    if not trusted_hops:
        return peer
    values = (value for name, value in scope["headers"] if name == b"x-forwarded-for")
    forwarded = b",".join(values).decode("latin-1")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    return hops[-trusted_hops] if len(hops) >= trusted_hops else peer
