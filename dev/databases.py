"""The databases of one clone, started together."""

from pathlib import Path

from dev.console import CommandError, echo
from dev.database_server import DatabaseServer
from dev.postgres import Postgres
from dev.processes import end_leftovers
from dev.state import StateFile
from dev.valkey import Valkey


class Databases:
    """Postgres and Valkey with their data in one state folder; either may be left out.

    One process at a time may start them (`dev.lockfile`). What is not `durable` survives a kill
    but not a power cut: enough for tests, and quicker.
    """

    def __init__(
        self, state: Path, *, postgres: bool = True, valkey: bool = True, durable: bool = True
    ) -> None:
        settings = StateFile(state / "services.json")
        self._state = state
        self._servers: dict[str, DatabaseServer] = {}
        if postgres:
            self._servers["DATABASE_URL"] = Postgres(state, settings, durable=durable)
        if valkey:
            self._servers["REDIS_URL"] = Valkey(state, settings)

    @property
    def variables(self) -> set[str]:
        """The variables that name these servers."""
        return set(self._servers)

    def start(self) -> dict[str, str]:
        """End what an earlier run left, start the servers, answer their addresses by variable."""
        end_leftovers(self._state)
        try:
            return {variable: server.start() for variable, server in self._servers.items()}
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raise CommandError when a server has ended."""
        for server in self._servers.values():
            if server.has_ended():
                echo(f"\n{server.last_lines()}")
                raise CommandError(
                    f"{server.name} ended by itself; its last lines are above and in {server.log}."
                )

    def stop(self) -> None:
        for server in reversed(self._servers.values()):
            server.stop()
