"""The wire shapes of the probes."""

from dataclasses import dataclass


@dataclass
class LiveOut:
    status: str


@dataclass
class ReadyOut:
    """Whether each thing the site needs is there: ok, or what is wrong in a word."""

    status: str
    database: str
    redis: str
    migrations: str
