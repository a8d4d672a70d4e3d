"""Servers as processes of their own, on a core of their own, and the CPU time they take."""

import http.client
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from dev import ports
from dev.console import CommandError
from dev.environment import declared, for_children
from dev.processes import Process, spawn, started_at, stop, until
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

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen

    def cpu_s(self) -> float | None:
        """CPU time of the process and all it started; None where the system does not say."""
        if not Path("/proc/self/schedstat").exists():
            return None
        return sum(_ran_ns(pid) for pid in _session(self.popen.pid)) / 1e9

    def memory_kb(self) -> int | None:
        """Its share of the memory in use (PSS); None where the system does not say."""
        if not Path("/proc/self/smaps_rollup").exists():
            return None
        return sum(_share_kb(pid) for pid in _session(self.popen.pid))


class Server(Program):
    """One that listens."""

    def __init__(self, popen: subprocess.Popen[bytes], port: int) -> None:
        super().__init__(popen)
        self.port = port


@contextmanager
def running(
    name: str, command: list[str], values: dict[str, str], log: Path, *, cores: set[int]
) -> Generator[subprocess.Popen[bytes]]:
    """Run a program of this clone until the block ends; its output goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        environment = for_children({**declared(), **values})
        popen = spawn(command, cwd=ROOT, env=environment, stdout=output)
        if cores:
            os.sched_setaffinity(popen.pid, cores)
        process = Process(popen.pid, started_at(popen.pid) or "")
        try:
            yield popen
            if popen.poll() is not None:
                raise CommandError(f"{name} ended early, its last words:\n{_last_words(log)}")
        finally:
            stop(process, grace_s=GRACE_S)
            popen.wait()


@contextmanager
def serving(
    name: str, app: list[str], values: dict[str, str], log: Path, *, cores: set[int]
) -> Generator[Server]:
    """An ASGI app under granian with one worker, ready to answer."""
    port = ports.free()
    command = [*GRANIAN, "--port", str(port), *app]
    with running(name, command, values, log, cores=cores) as popen:
        ready = until(
            lambda: _answers(port) or popen.poll() is not None, within_s=READY_WITHIN_S, every_s=0.1
        )
        if not ready or popen.poll() is not None:
            raise CommandError(f"{name} does not answer, its last words:\n{_last_words(log)}")
        yield Server(popen, port)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-2_000:]


def _session(leader: int) -> list[int]:
    members: list[int] = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            if fields[3] == str(leader):
                members.append(int(entry))
    return members


def _ran_ns(pid: int) -> int:
    ran = 0
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                ran += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
    return ran


def _share_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
