"""Who asks."""

import ipaddress
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Caller:
    """A visitor, or the schedule, for which both are None."""

    visitor_id: UUID | None
    network: str | None
    """The client's network prefix: /24 of IPv4, /48 of IPv6."""


SCHEDULER = Caller(visitor_id=None, network=None)


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
