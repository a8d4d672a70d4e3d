"""Who is calling. One function makes the caller; nothing else reads headers for it."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request
from litestar.types import Scope

from api.middleware.authentication import key_of
from db.repositories.accounts import KnownKey
from domain.caller import Caller, network_of
from domain.services import Services


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The holder of the key it brings, else the visitor the cookie names; and the network the
    request came from.
    """
    scope: Any = request.scope
    if key := key_of(scope):
        return _holder(key, scope)
    return Caller("visitor", scope["caller_id"] or uuid4(), _network(scope))


def provide_reader(scope: Scope) -> Caller:
    """The caller of a read, which counts for the network alone unless it brings a key."""
    if key := key_of(scope):
        return _holder(key, scope)
    return Caller("visitor", None, _network(scope))


def reader_id(request: Request[Any, Any, Any]) -> UUID | None:
    """Whose votes may be shown; None for one who was only just given an identity."""
    scope: Any = request.scope
    return scope["caller_id"] if scope["caller_known"] else None


def _holder(key: KnownKey, scope: Scope) -> Caller:
    return Caller("key", key.id, _network(scope), key.rate_limit, key.budget_usd, key.owner_id)


def _network(scope: Scope) -> str:
    services: Services = scope["litestar_app"].state.services
    return network_of(client_address(scope, services.settings.trusted_proxy_hops))


def client_address(scope: Scope, trusted_hops: int) -> str:
    """The address of the client; forwarding headers count only from that many trusted proxies.

    No other header that claims to know it is read at all.
    """
    peer = scope["client"][0] if scope["client"] else ""
    if not trusted_hops:
        return peer
    named = (value for name, value in scope["headers"] if name == b"x-forwarded-for")
    forwarded = b",".join(named).decode("latin-1")
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    return hops[-trusted_hops] if len(hops) >= trusted_hops else peer
