"""The product's own processes, as Procfile starts them, for tests of what happens between them.

They are forked by `tests.fork_server`.
"""

import asyncio
import atexit
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
READY_S = 180.0
LOG_SHOWN = 6_000

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak no TLS: to read all certificate authorities takes each of them 30 ms."""

T = TypeVar("T")


async def until(
    find: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    within_s: float = 120,
    every_s: float = 0.05,
) -> T:
    """Look until something is found that is true, and return it.

    Raises:
        AssertionError: It did not come to be.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + within_s
    while not (found := await find()):
        assert loop.time() < give_up_at, f"In vain waited {within_s} s for {what}."
        await asyncio.sleep(every_s)
    return found


class Running:
    """A process under way."""

    def __init__(self, process: "Process", log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All it has written so far."""
        return self._log.read_text(errors="replace")

    async def kill(self) -> None:
        """End it as a crash or the system's memory guard would, without a chance to react."""
        await _kill(self.process)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to finish what it is at and end."""
        self.process.terminate()


class RunningAPI(Running):
    def __init__(self, process: "Process", log: Path, url: str) -> None:
        super().__init__(process, log)
        self.url = url

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A visitor of its own, who keeps the cookie they are given."""
        return httpx.AsyncClient(
            base_url=self.url, trust_env=False, timeout=60, verify=NO_AUTHORITIES, **options
        )


@asynccontextmanager
async def running_worker(**environment: str) -> AsyncGenerator[Running]:
    """A worker that has begun to take jobs."""
    command = ["saq", "jobs.worker.settings"]
    # At which it says that it is ready.
    async with _running(command, {"LOG_LEVEL": "INFO"} | environment) as (process, log):
        worker = Running(process, log)
        await _ready(worker, _has_said(worker, "worker_ready"))
        yield worker


@asynccontextmanager
async def running_api(port: int | None = None, /, **environment: str) -> AsyncGenerator[RunningAPI]:
    """The API alone, answering on a port of its own."""
    port = port or free_port()
    serve = ["--interface", "asgi", "--factory", "--host", "127.0.0.1", "--port", str(port)]
    command = ["granian", *serve, "api.app:create_app"]
    async with _running(command, environment) as (process, log):
        api = RunningAPI(process, log, f"http://127.0.0.1:{port}")
        async with api.client() as client:

            async def answers() -> bool:
                with suppress(httpx.TransportError):
                    return (await client.get("/health/live")).status_code == 200
                return False

            await _ready(api, answers)
        yield api


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A process that the fork server has started, with its own group."""

    def __init__(
        self, pid: int, answers: asyncio.StreamReader, connection: asyncio.StreamWriter
    ) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        self._ended = asyncio.create_task(self._until_ended(answers))

    async def _until_ended(self, answers: asyncio.StreamReader) -> None:
        self.returncode = json.loads(await answers.readline())["returncode"]
        self._connection.close()
        await self._connection.wait_closed()

    async def wait(self) -> int:
        await asyncio.shield(self._ended)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class _ForkServer:
    """`tests.fork_server`, started when the first process is."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._address = str(Path(self._folder.name) / "socket")
        command = [sys.executable, "-m", "tests.fork_server", self._address]
        self._popen = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True
        )
        atexit.register(self._end)

    async def start(
        self, command: list[str], environment: dict[str, str], *, stdout: Path, stderr: Path
    ) -> Process:
        answers, requests = await until(self._connect, "the fork server", within_s=READY_S)
        request = {
            "command": command,
            "environment": os.environ | environment,
            "stdout": str(stdout),
            "stderr": str(stderr),
        }
        requests.write(json.dumps(request).encode() + b"\n")
        started = json.loads(await answers.readline())
        return Process(started["pid"], answers, requests)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        assert self._popen.poll() is None, "The fork server has ended."
        with suppress(FileNotFoundError, ConnectionRefusedError):
            return await asyncio.open_unix_connection(self._address)
        return None

    def _end(self) -> None:
        assert self._popen.stdin
        self._popen.stdin.close()
        self._popen.wait()
        self._folder.cleanup()


_fork_server = cache(_ForkServer)


@asynccontextmanager
async def _running(
    command: list[str], environment: dict[str, str]
) -> AsyncGenerator[tuple[Process, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.touch()
        process = await _fork_server().start(command, environment, stdout=log, stderr=log)
        try:
            yield process, log
        except BaseException as error:
            error.add_note(f"{command[0]} said:\n{log.read_text(errors='replace')[-LOG_SHOWN:]}")
            raise
        finally:
            await _kill(process)


async def run_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of staff's to its end: `python -m jobs …`."""
    command = ["python", "-m", "jobs", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        stdout, stderr = Path(folder) / "stdout", Path(folder) / "stderr"
        process = await _fork_server().start(command, environment, stdout=stdout, stderr=stderr)
        try:
            async with asyncio.timeout(READY_S):
                code = await process.wait()
        finally:
            await _kill(process)
        return subprocess.CompletedProcess(command, code, stdout.read_text(), stderr.read_text())


async def _kill(process: Process) -> None:
    """With its children: a server may have some, all in the group that it leads."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _has_said(running: Running, word: str) -> Callable[[], Awaitable[bool]]:
    async def said() -> bool:
        return word in running.log

    return said


async def _ready(running: Running, is_ready: Callable[[], Awaitable[bool]]) -> None:
    async def ready_or_gone() -> bool:
        assert running.process.returncode is None, "It ended before it was ready."
        return await is_ready()

    await until(ready_or_gone, "the process to be ready", within_s=READY_S)
