"""Who is calling. One function makes the caller; nothing else reads headers for it."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request

from domain.caller import Caller, network_of
from settings import settings


def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """The visitor the cookie names, and the network the request came from."""
    return Caller(
        visitor_id=request.scope["visitor_id"] or uuid4(),  # pyright: ignore[reportGeneralTypeIssues]
        network=network_of(client_address(request, settings.trusted_proxy_hops)),
    )


def reader_id(request: Request[Any, Any, Any]) -> UUID | None:
    """The visitor whose votes may be shown; None for one who was only just given an identity."""
    scope: Any = request.scope
    return scope["visitor_id"] if scope["visitor_known"] else None


def client_address(request: Request[Any, Any, Any], trusted_hops: int) -> str:
    """The address of the client; forwarding headers count only from that many trusted proxies."""
    peer = request.client.host if request.client else ""
    if not trusted_hops:
        return peer
    forwarded = request.headers.getall("x-forwarded-for", [])
    hops = [hop.strip() for line in forwarded for hop in line.split(",") if hop.strip()]
    return hops[-trusted_hops] if len(hops) >= trusted_hops else peer
