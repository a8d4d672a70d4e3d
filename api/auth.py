"""Who is calling. One function makes the caller; nothing else reads headers for it."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request
from litestar.types import Scope

from api.bearer import key_of
from domain.caller import Caller, network_of
from settings import settings


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The holder of the key it brings, else the visitor the cookie names; and the network the
    request came from.
    """
    scope: Any = request.scope
    network = _network(request)
    if key := key_of(request):
        return Caller("key", key.id, network, key.windows, key.budget_usd, key.owner_id)
    return Caller("visitor", scope["caller_id"] or uuid4(), network)


def provide_reader(scope: Scope) -> Caller:
    """The caller of a read, which counts for the network alone unless it brings a key."""
    request: Request[Any, Any, Any] = Request(scope)
    if key_of(request):
        return provide_caller(request)
    return Caller("visitor", None, _network(request))


def reader_id(request: Request[Any, Any, Any]) -> UUID | None:
    """Whose votes may be shown; None for one who was only just given an identity."""
    scope: Any = request.scope
    return scope["caller_id"] if scope["caller_known"] else None


def _network(request: Request[Any, Any, Any]) -> str:
    return network_of(client_address(request, settings.trusted_proxy_hops))


def client_address(request: Request[Any, Any, Any], trusted_hops: int) -> str:
    """The address of the client; forwarding headers count only from that many trusted proxies.

    No other header that claims to know it is read at all.
    """
    peer = request.client.host if request.client else ""
    if not trusted_hops:
        return peer
    forwarded = request.headers.getall("x-forwarded-for", [])
    hops = [hop.strip() for line in forwarded for hop in line.split(",") if hop.strip()]
    return hops[-trusted_hops] if len(hops) >= trusted_hops else peer
