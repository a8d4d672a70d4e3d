"""The databases of one clone, started together."""

import subprocess
from pathlib import Path

from dev.postgres import Postgres
from dev.state import StateFile
from dev.valkey import Valkey


class Databases:
    """Postgres and Valkey with their state in one folder; either may be left out.

    What is not `durable` survives a kill but not a power cut: enough for tests, and quicker.
    """

    def __init__(
        self, state: Path, *, postgres: bool = True, valkey: bool = True, durable: bool = True
    ) -> None:
        memory = StateFile(state / "services.json")
        self._wanted: list[tuple[str, Postgres | Valkey]] = []
        if postgres:
            self._wanted.append(("DATABASE_URL", Postgres(state, memory, durable=durable)))
        if valkey:
            self._wanted.append(("REDIS_URL", Valkey(state, memory)))

    def start(self) -> dict[str, str]:
        """Start what is wanted and answer the addresses, by environment variable."""
        try:
            return {variable: service.start() for variable, service in self._wanted}
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for _, service in reversed(self._wanted):
            service.stop()

    def end_leftovers(self) -> None:
        """End servers whose starter was killed; `start` does this by itself."""
        for _, service in self._wanted:
            service.end_leftover()

    def children(self) -> dict[str, tuple[subprocess.Popen[bytes], Path]]:
        """The running servers by name, with their logs."""
        return {
            service.name: (service.child, service.log)
            for _, service in self._wanted
            if service.child is not None
        }
