"""The site as a process of its own, for a browser to meet."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx

from tests.processes import (
    LOG_SHOWN,
    ROOT,
    Running,
    _ready,
    _running,
    free_port,
    running_worker,
)

BUILT = ROOT / ".web" / "build" / "client" / "index.html"

HOST = "127.0.0.1"

CONNECTIONS = "2"
"""To Postgres for reads: enough for a few visitors, and other tests need some at the same time."""

# Emptied variables stay set, where they win against a developer's .env.
UNSET = dict.fromkeys(("API_URL", "REFLEX_REDIS_URL", "SECRET_KEY", "STANDIN_MODEL", "DEBUG"), "")


class Site:
    """A web process: the pages and the API at one address that stays through restarts."""

    def __init__(self, **environment: str) -> None:
        port = str(free_port())
        self.origin = f"http://{HOST}:{port}"
        self._environment = {
            **UNSET,
            "PORT": port,
            "PUBLIC_URL": self.origin,
            "READ_POOL_SIZE": CONNECTIONS,
            **environment,
        }
        serve = ["--interface", "asgi", "--host", HOST, "--port", port, "--workers", "1"]
        self._command = ["granian", *serve, "serve:app"]
        self._life = AsyncExitStack()
        self._running: Running | None = None

    async def start_if_ended(self) -> None:
        """Start it again when a test has left it ended."""
        if self._running is None or self._running.process.returncode is not None:
            await self.end()
            await self.start()

    async def start(self) -> None:
        process, log = await self._life.enter_async_context(
            _running(self._command, self._environment)
        )
        self._running = Running(process, log)
        await self.until_answers("/health/ready")

    async def restart_begins(self) -> None:
        """Ask it to end, as a deployment does, and wait until it has."""
        assert self._running
        self._running.terminate()
        await self._running.process.wait()
        await self.end()

    async def end(self) -> None:
        self._running = None
        await self._life.aclose()

    @property
    def pid(self) -> int:
        """Of the process that leads its group."""
        assert self._running
        return self._running.process.pid

    @property
    def log(self) -> str:
        """All it has written since it was started."""
        assert self._running
        return self._running.log

    def check(self) -> None:
        """Fail with what it said when it has ended by itself."""
        assert self._running, "A test has ended the site."
        ended = self._running.process.returncode
        assert ended is None, f"The site ended with {ended}:\n{self._running.log[-LOG_SHOWN:]}"

    async def until_answers(self, path: str, containing: str = "") -> None:
        """Wait for an answer that is no error and contains these words."""
        assert self._running
        async with httpx.AsyncClient(base_url=self.origin, trust_env=False) as client:

            async def answers() -> bool:
                with suppress(httpx.TransportError):
                    answer = await client.get(path)
                    return answer.is_success and containing in answer.text
                return False

            try:
                await _ready(self._running, answers)
            except AssertionError as not_ready:
                not_ready.add_note(f"The site said:\n{self._running.log[-LOG_SHOWN:]}")
                raise


@asynccontextmanager
async def running_site(**environment: str) -> AsyncGenerator[Site]:
    """Pages and API, on a free port."""
    assert BUILT.exists(), "The pages are not built: `make build` does it."
    site = Site(**environment)
    try:
        await site.start()
        yield site
    finally:
        await site.end()


class Worker:
    """The worker of the site, which may be killed and started anew."""

    def __init__(self, **environment: str) -> None:
        self._environment = environment
        self._life = AsyncExitStack()
        self._running: Running | None = None

    async def start(self) -> None:
        self._running = await self._life.enter_async_context(running_worker(**self._environment))

    async def kill(self) -> None:
        """End it without a chance to react."""
        assert self._running
        await self._running.kill()
        await self.end()

    async def end(self) -> None:
        await self._life.aclose()
