"""Servers as processes of their own, on a core of their own, and the CPU time they take."""

import http.client
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from dev import ports
from dev.console import CommandError
from dev.environment import declared, for_children
from dev.processes import is_alive, spawn, stop, until
from dev.state import ROOT

READY_WITHIN_S = 30
GRACE_S = 5
API = ["--factory", "api.app:create_app"]
WORKER = ["saq", "jobs.worker.settings"]
GRANIAN = ["granian", "--interface", "asgi", "--host", ports.LOOPBACK, "--workers", "1"]


def split_cores() -> tuple[set[int], set[int]]:
    """A core for the servers, the others for load and databases; both empty where we cannot."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[0]}, set(cores[1:])) if len(cores) > 1 else (set(), set())


class Program:
    """A running process with all it started."""

    def __init__(self, process: psutil.Process) -> None:
        self.process = process

    def cpu_s(self) -> float | None:
        """CPU time of the process and all it started; None where the system does not say.

        From the scheduler, whose figures are exact; /proc/<pid>/stat counts ticks of 10 ms.
        """
        if not Path("/proc/self/schedstat").exists():
            return None
        return sum(map(_ran_ns, self._tree())) / 1e9

    def memory_kb(self) -> int | None:
        """Its share of the memory in use (PSS); None where the system does not say."""
        try:
            return sum(process.memory_full_info().pss for process in self._tree()) // 1024
        except AttributeError:
            return None

    def _tree(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


class Server(Program):
    """One that listens."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        super().__init__(process)
        self.port = port


@contextmanager
def running(
    name: str, command: list[str], values: dict[str, str], log: Path, *, cores: set[int]
) -> Generator[psutil.Process]:
    """Run a program of this clone until the block ends; its output goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        environment = for_children({**declared(), **values})
        process = spawn(command, cwd=ROOT, env=environment, stdout=output)
        if cores:
            os.sched_setaffinity(process.pid, cores)
        try:
            yield process
            if not is_alive(process):
                raise CommandError(f"{name} ended early; its last lines:\n{_last_lines(log)}")
        finally:
            stop(process, grace_s=GRACE_S)
            process.wait()


@contextmanager
def serving(
    name: str, app: list[str], values: dict[str, str], log: Path, *, cores: set[int]
) -> Generator[Server]:
    """An ASGI app under granian with one worker, ready to answer."""
    port = ports.free()
    command = [*GRANIAN, "--port", str(port), *app]
    with running(name, command, values, log, cores=cores) as process:
        until(
            lambda: _answers(port) or not is_alive(process),
            within_s=READY_WITHIN_S,
            every_s=0.1,
        )
        if not is_alive(process) or not _answers(port):
            raise CommandError(f"{name} does not answer; its last lines:\n{_last_lines(log)}")
        yield Server(process, port)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _last_lines(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:]


def _ran_ns(process: psutil.Process) -> int:
    ran = 0
    with suppress(OSError):
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            with suppress(OSError):
                ran += int((thread / "schedstat").read_text().split()[0])
    return ran
