"""The whole product as processes of its own, for a browser to meet."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".web" / "build" / "client" / "index.html"

START_S = 60.0
"""A start that takes longer has failed; a busy machine needs about five."""
END_S = 20.0
"""A process that has not ended by then is killed."""
LOOK_EVERY_S = 0.1

HOST = "127.0.0.1"


class NotRunning(Exception):
    """A process ended or never became ready; carries the end of what it printed."""


class Server:
    """One process of the product, started and ended by its own id."""

    def __init__(self, name: str, *command: str, **environment: str) -> None:
        self._name = name
        self._command = [sys.executable, "-m", *command]
        # Emptied variables stay set, where they win against a developer's .env.
        unset = dict.fromkeys(
            ("API_URL", "REFLEX_REDIS_URL", "SECRET_KEY", "STANDIN_MODEL", "DEBUG"), ""
        )
        self._environment = os.environ | unset | environment
        self._process: subprocess.Popen[bytes] | None = None
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
        )

    async def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            await anyio.to_thread.run_sync(lambda: process.wait(END_S))
        except subprocess.TimeoutExpired:
            process.kill()
            await anyio.to_thread.run_sync(process.wait)

    def close(self) -> None:
        """Forget what it printed."""
        self._printed.close()

    @property
    def printed(self) -> str:
        self._printed.seek(0)
        return self._printed.read().decode(errors="replace")

    def check(self) -> None:
        """Raises: NotRunning: It has ended by itself."""
        if self._process is None or self._process.poll() is not None:
            raise NotRunning(f"{self._name} has ended:\n{self.printed[-4_000:]}")


class Site:
    """A web process: the pages and the API at one address of its own."""

    def __init__(self, *, generate_limits: str, openrouter: str) -> None:
        port = free_port()
        self.origin = f"http://{HOST}:{port}"
        self._server = Server(
            "The web process",
            *("granian", "--interface", "asgi", "--host", HOST, "--port", str(port)),
            *("--workers", "1", "serve:app"),
            PORT=str(port),
            PUBLIC_URL=self.origin,
            GENERATE_LIMITS=generate_limits,
            OPENROUTER_BASE_URL=openrouter,
        )

    async def start(self) -> None:
        self._server.start()
        await self.until_answers("/health/ready")

    async def end(self) -> None:
        await self._server.end()

    def close(self) -> None:
        self._server.close()

    @property
    def printed(self) -> str:
        """Everything the process has said so far."""
        return self._server.printed

    async def until_answers(self, path: str, containing: str = "") -> None:
        """Wait for an answer that is no error and contains these words.

        Raises:
            NotRunning: It ended, or gave no such answer.
        """
        async with httpx.AsyncClient(base_url=self.origin, trust_env=False) as client:
            with anyio.move_on_after(START_S):
                while True:
                    self._server.check()
                    try:
                        answer = await client.get(path)
                    except httpx.TransportError:
                        pass
                    else:
                        if answer.is_success and containing in answer.text:
                            return
                    await anyio.sleep(LOOK_EVERY_S)
        raise NotRunning(f"The web process is not ready:\n{self.printed[-4_000:]}")


@asynccontextmanager
async def running_site(*, generate_limits: str, openrouter: str) -> AsyncGenerator[Site]:
    """Pages and API, on a free port."""
    if not BUILT.exists():
        raise NotRunning("The pages are not built: `make build` does it.")
    site = Site(generate_limits=generate_limits, openrouter=openrouter)
    try:
        await site.start()
        yield site
    finally:
        await site.end()
        site.close()


@asynccontextmanager
async def running_worker(*, openrouter: str) -> AsyncGenerator[Server]:
    worker = Server("The worker", "saq", "jobs.worker.settings", OPENROUTER_BASE_URL=openrouter)
    worker.start()
    try:
        yield worker
    finally:
        await worker.end()
        worker.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
