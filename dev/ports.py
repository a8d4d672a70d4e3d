"""Ports on this machine's own address."""

import socket

LOOPBACK = "127.0.0.1"


def free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def taken(port: int) -> bool:
    """Whether a server on `port` could not start, or would share it with another."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def keep_or_choose(preferred: int | None) -> int:
    return preferred if preferred and not taken(preferred) else free()
