"""A real Valkey (what Redis' last free version became) for one clone, kept on disk."""

import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from dev import ports
from dev.binaries import valkey_program
from dev.clients import redis_version
from dev.console import CommandError
from dev.processes import Process, command_of, spawn, started_at, stop, until
from dev.state import StateFile

START_WITHIN_S = 60
STOP_WITHIN_S = 15
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir .
pidfile valkey.pid
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""


class Valkey:
    """Started and stopped by one process at a time: see `dev.lockfile`."""

    name = "valkey"

    def __init__(self, state: Path, memory: StateFile) -> None:
        self.log = state / "log" / "valkey.log"
        self._data = state / "valkey"
        self._memory = memory
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and answer its address."""
        self.end_leftover()
        self._data.mkdir(exist_ok=True)
        self._data.chmod(0o700)
        if not self._memory.get("valkey_password"):
            self._memory.put(valkey_password=secrets.token_urlsafe(24))
        password = self._memory.get("valkey_password")
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            port = ports.keep_or_choose(self._memory.get("valkey_port"))
            url = f"redis://:{password}@{ports.LOOPBACK}:{port}/0"
            if _came_up(self._spawn(port, password), url, deadline):
                self._memory.put(valkey_port=port)
                return url
            self.stop()
            said = self.log.read_text(errors="replace")
            if "in use" not in said or time.monotonic() > deadline:
                raise CommandError(f"Valkey does not start; {self.log} says:\n{said[-1500:]}")

    def stop(self) -> None:
        if self.child is None:
            return
        started = started_at(self.child.pid)
        if started:
            stop(Process(self.child.pid, started), grace_s=STOP_WITHIN_S)
        self.child.wait()
        self.child = None

    def _spawn(self, port: int, password: str) -> subprocess.Popen[bytes]:
        configuration = self._data / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(host=ports.LOOPBACK, port=port, password=password)
        )
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            command = [str(valkey_program()), configuration.name]
            child = self.child = spawn(command, cwd=self._data, stdout=log)
        self._memory.put(valkey_process=[child.pid, started_at(child.pid)])
        return child

    def end_leftover(self) -> None:
        """End a server whose starter was killed; two would write one file."""
        pid, started = self._memory.get("valkey_process") or (0, None)
        if started and started_at(pid) == started and "valkey" in command_of(pid):
            stop(Process(pid, started), first=signal.SIGTERM, grace_s=STOP_WITHIN_S)


def _came_up(child: subprocess.Popen[bytes], url: str, deadline: float) -> bool:
    until(lambda: child.poll() is not None or _answers(url), within_s=deadline - time.monotonic())
    return child.poll() is None and _answers(url)


def _answers(url: str) -> bool:
    try:
        return redis_version(url, timeout_s=1) > 0
    except redis.RedisError:
        return False
