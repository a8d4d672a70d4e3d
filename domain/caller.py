"""The caller of an operation, and their network."""

import ipaddress
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["visitor", "key", "staff", "scheduler"]


class Caller(msgspec.Struct, frozen=True):
    """The party that a request, job or command acts for."""

    kind: Kind
    id: UUID | None
    """The id of the visitor or of the API key; None for the scheduler and for staff."""
    network: str | None
    """The client's network prefix: /24 of IPv4, /48 of IPv6."""
    rate_limit: str | None = None
    """An API key's own limits for generations, in the format of the settings; None: the default."""
    budget_usd: Decimal | None = None
    """An API key's own budget per UTC day; None: the default."""
    account: UUID | None = None
    """The visitor who made the API key; None for keys made by staff."""

    @property
    def owner(self) -> UUID | None:
        """The visitor whose credits the caller uses, and who owns what the caller buys."""
        return self.account if self.kind == "key" else self.id


SCHEDULER = Caller("scheduler", None, None)
STAFF = Caller("staff", None, None)
"""Anybody who can run commands on the server."""


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """The network prefix of an IP address; anything else is a network of its own."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    prefix = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, prefix), strict=False))
