"""What Postgres and Valkey have in common as servers of one clone."""

import os
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

import psutil

from dev import ports
from dev.console import CommandError
from dev.processes import MARK, is_alive, spawn, stop, until
from dev.state import StateFile

START_WITHIN_S = 60
STOP_WITHIN_S = 15


class DatabaseServer(ABC):
    """A server with its own data, port and password, which ends when its starter does."""

    name: str
    user: int | None = None
    group: int | None = None

    def __init__(self, state: Path, settings: StateFile, *, cwd: Path) -> None:
        self.log = state / "log" / f"{self.name}.log"
        self._state = state
        self._settings = settings
        self._cwd = cwd
        self._process: psutil.Popen | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder and the password where there is none."""

    @abstractmethod
    def command(self, port: int) -> list[str]: ...

    @abstractmethod
    def url(self, port: int) -> str: ...

    @abstractmethod
    def accepts(self, url: str) -> bool:
        """Whether the server is up; the password tells it from another one on its port."""

    def start(self) -> str:
        """Start it, on another port if the last one is taken, and answer its address.

        Raises:
            CommandError: It does not start; the message has the end of its log.
        """
        self.prepare()
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            port = ports.keep_or_choose(self._settings.get(f"{self.name}_port"))
            self._spawn(self.command(port))
            url = self.url(port)
            if self._comes_up(url, within_s=deadline - time.monotonic()):
                self._settings.put(**{f"{self.name}_port": port})
                return url
            self.stop()
            output = self.last_lines()
            # The port was taken just now, or sessions of a killed server still hold its memory.
            if "in use" not in output or time.monotonic() > deadline:
                raise CommandError(f"{self.name} does not start; {self.log} ends:\n{output}")
            time.sleep(0.2)

    def has_ended(self) -> bool:
        return self._process is not None and not is_alive(self._process)

    def stop(self) -> None:
        if self._process is not None:
            # Postgres takes SIGINT as "fast": end the sessions, write everything, exit.
            stop(self._process, first=signal.SIGINT, grace_s=STOP_WITHIN_S)
            self._process.wait()
            self._process = None

    def last_lines(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]

    def _comes_up(self, url: str, *, within_s: float) -> bool:
        until(lambda: self.has_ended() or self.accepts(url), within_s=within_s)
        return not self.has_ended() and self.accepts(url)

    def _spawn(self, command: list[str]) -> None:
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self._process = spawn(
                command,
                cwd=self._cwd,
                env={**environment(), MARK: str(self._state)},
                stdout=log,
                last_signal=signal.SIGINT,
                user=self.user,
                group=self.group,
            )


def environment() -> dict[str, str]:
    """This process's environment without PGPORT, PGDATA and the like, which Postgres reads."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
