"""Ports on the loopback address."""

import socket
from contextlib import suppress

LOOPBACK = "127.0.0.1"


def free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def taken(port: int) -> bool:
    """Whether something listens on `port`, or a server could not be bound to it."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=0.5):
        return True
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return True
    return False


def keep_or_choose(preferred: int | None) -> int:
    return preferred if preferred and not taken(preferred) else free()
