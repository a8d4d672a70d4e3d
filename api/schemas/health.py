"""The wire shapes of the probes."""

from dataclasses import dataclass
from typing import Self


@dataclass
class LiveOut:
    status: str

    @classmethod
    def example(cls) -> Self:
        return cls("ok")


@dataclass
class ReadyOut:
    """All dependencies of the site are available."""

    status: str
    database: str
    redis: str
    migrations: str

    @classmethod
    def example(cls) -> Self:
        return cls("ok", database="ok", redis="ok", migrations="ok")
