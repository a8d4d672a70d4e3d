"""Both services on one address: `/turnstile` and `/hcaptcha`."""

import asyncio
import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from tests.standins.openrouter.wire import Connection, Request

HOST = "127.0.0.1"

CODES = {
    "fail": "invalid-input-response",
    "duplicate": "timeout-or-duplicate",
    "internal-error": "internal-error",
    "wrong-secret": "invalid-input-secret",
}


class CaptchaStandIn:
    """Knows one secret and one site, and remembers which tokens it has seen."""

    def __init__(self, *, secret: str, hostname: str) -> None:
        self._secret = secret
        self._hostname = hostname
        self._seen: dict[str, str | None] = {}
        self.asked: list[dict[str, str]] = []
        """The form of each verification, in order."""
        self.base_url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        try:
            while request := await connection.read_request():
                await self._answer(connection, request)
        except ConnectionError:
            pass
        finally:
            connection.close()

    async def _answer(self, connection: Connection, request: Request) -> None:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        match form.get("response", "").partition(":")[0]:
            case "hang":
                await connection.closed_by_client()
            case "error-500":
                await connection.answer(500, {"content-type": "text/html"}, b"<h1>Oh no</h1>")
            case "redirect":
                await connection.answer(302, {"location": f"{self.base_url}/elsewhere"}, b"")
            case "garbage":
                await connection.answer(200, {"content-type": "application/json"}, b"{" * 10_000)
            case "huge":
                await self._endless(connection)
            case "bomb":
                packed = gzip.compress(b" " * 50_000_000)
                await connection.answer(200, {"content-encoding": "gzip"}, packed)
            case scenario:
                await connection.answer_json(200, self._judged(scenario, form, request.path))

    async def _endless(self, connection: Connection) -> None:
        await connection.begin(200, {"content-type": "application/json"})
        for _ in range(1_000):
            await connection.body(b" " * 50_000)

    def _judged(self, scenario: str, form: dict[str, str], path: str) -> dict[str, Any]:
        if form.get("secret") != self._secret:
            return self._refused("invalid-input-secret")
        if scenario in CODES:
            return self._refused(CODES[scenario])
        token, once = form.get("response", ""), form.get("idempotency_key")
        # Turnstile judges a token again for whoever brings the same idempotency key.
        if token in self._seen and (once is None or self._seen[token] != once):
            return self._refused("timeout-or-duplicate")
        self._seen[token] = once
        if scenario not in {"pass", "other-host", "other-action"}:
            return self._refused("invalid-input-response")
        said: dict[str, Any] = {
            "success": True,
            "challenge_ts": datetime.now(UTC).isoformat(),
            "hostname": "evil.example" if scenario == "other-host" else self._hostname,
            "error-codes": [],
        }
        if path == "/turnstile":
            said |= {"action": "login" if scenario == "other-action" else "generate", "cdata": ""}
        return said

    def _refused(self, code: str) -> dict[str, Any]:
        return {"success": False, "error-codes": [code]}


@asynccontextmanager
async def running_captcha(
    *, secret: str = "secret", hostname: str = "factoids.test"
) -> AsyncGenerator[CaptchaStandIn]:
    """The stand-in on a free port of this machine."""
    standin = CaptchaStandIn(secret=secret, hostname=hostname)
    serving = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(standin.serve(reader, writer))
        serving.add(task)
        with suppress(asyncio.CancelledError):
            await task
        serving.discard(task)

    server = await asyncio.start_server(serve, HOST, 0)
    standin.base_url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield standin
    finally:
        server.close()
        for task in serving:
            task.cancel()
