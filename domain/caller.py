"""Who asks."""

import ipaddress
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["visitor", "key", "staff", "scheduler"]


class Caller(msgspec.Struct, frozen=True):
    """Whoever a request, a job, a page's event or a command comes from."""

    kind: Kind
    id: UUID | None
    """Whose rows are theirs: the visitor's identity or the API key's; None for the schedule."""
    network: str | None
    """The client's network prefix: /24 of IPv4, /48 of IPv6."""
    rate_limit: str | None = None
    """An API key's own generation limits, written as in the settings; None for its kind's."""
    budget_usd: Decimal | None = None
    """An API key's own budget a UTC day; None for its kind's."""
    account: UUID | None = None
    """The visitor whose key it is; None for the keys of the site's owner."""

    @property
    def owner(self) -> UUID | None:
        """Whose credits they draw on, and whose is what they buy."""
        return self.account if self.kind == "key" else self.id


SCHEDULER = Caller("scheduler", None, None)
STAFF = Caller("staff", None, None)
"""Whoever may run commands where the product runs."""


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """The prefix an address is limited by; an unreadable address is its own network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    prefix = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, prefix), strict=False))
