"""The wire shapes of the probes."""

from dataclasses import dataclass


@dataclass
class LiveOut:
    status: str


@dataclass
class ReadyOut:
    """Each thing the site needs is there."""

    status: str
    database: str
    redis: str
    migrations: str
