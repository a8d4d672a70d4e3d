"""One API request from its key to its answer: authentication, faults, idempotency, routes."""

import base64
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.standins.openrouter.gate import Gate
from tests.standins.openrouter.wire import Connection, ConnectionCut, Request

from .account import API_VERSION, NO_REQUEST, Account, new_id
from .errors import Refused
from .faults import REFUSALS, Faults
from .form import read_body, tree
from .idempotency import Answer, Keys
from .routes import Routes


@dataclass(frozen=True)
class Asked:
    """A request as the log keeps it."""

    method: str
    path: str
    params: dict[str, Any]
    idempotency_key: str | None
    api_version: str | None
    fault: str
    status: int | None
    """`None` when no answer was sent."""


class API:
    def __init__(
        self, account: Account, routes: Routes, *, key: str, faults: Faults, gate: Gate
    ) -> None:
        self._account = account
        self._routes = routes
        self._key = key
        self._faults = faults
        self._gate = gate
        self._keys = Keys()
        self.asked: list[Asked] = []

    def forget(self) -> None:
        self._keys = Keys()
        self.asked.clear()

    async def serve(self, connection: Connection, request: Request) -> None:
        fault = self._faults.next(f"{request.method} {request.path}")
        answer: Answer | None = None
        try:
            answer = await self._answer(connection, request, fault)
            if fault in _SENT:
                await _SENT[fault](connection, answer)
            else:
                await connection.answer_json(answer.status, answer.body, answer.headers)
        finally:
            self._log(request, fault, connection.status)

    async def _answer(self, connection: Connection, request: Request, fault: str) -> Answer:
        id = new_id("req_", 14)
        headers = {"request-id": id, "stripe-version": API_VERSION}
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key:
            headers["idempotency-key"] = key
        try:
            self._authenticate(request)
            _check_version(request)
            if fault in REFUSALS:
                raise REFUSALS[fault].with_traceback(None)
            if fault == "hang":
                await connection.closed_by_client()
            if fault in {"hang", "cut"}:
                connection.close()
                raise ConnectionCut
            params = _params(request)
            if key and (stored := self._keys.replay(key, request.path, params)):
                return Answer(stored.status, stored.body, {**stored.headers, "request-id": id})
            working = self._keys.at_work(key, request.path, params) if key else None
            with working or contextlib.nullcontext():
                if fault == "gated":
                    await self._gate.wait()
                answer = self._work(request, params, key, headers)
                if fault == "500-after":
                    answer = _failed_after(answer)
                if key:
                    self._keys.store(key, answer)
            return answer
        except Refused as refused:
            return Answer(refused.status, refused.body(), headers | refused.headers)

    def _work(
        self, request: Request, params: dict[str, Any], key: str | None, headers: dict[str, str]
    ) -> Answer:
        self._account.request = {"id": headers["request-id"], "idempotency_key": key}
        try:
            body = self._routes.answer(request.method, request.path, params)
        finally:
            self._account.request = NO_REQUEST
            if request.method == "POST":
                self._account.changed()
        return Answer(200, body, headers)

    def _authenticate(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                given = base64.b64decode(given).decode().partition(":")[0]
        if not given:
            message = "You did not provide an API key. You need to provide your API key in the"
            raise Refused(401, f"{message} Authorization header, using Bearer auth.")
        if given != self._key:
            hidden = f"{given[:8]}{'*' * 8}{given[-4:]}" if len(given) > 16 else "*" * 8
            raise Refused(401, f"Invalid API Key provided: {hidden}")

    def _log(self, request: Request, fault: str, status: int | None) -> None:
        headers = request.headers
        try:
            params = _params(request)
        except Refused:
            params = {}
        self.asked.append(
            Asked(
                request.method,
                request.path,
                params,
                headers.get("idempotency-key"),
                headers.get("stripe-version"),
                fault,
                status,
            )
        )


def _check_version(request: Request) -> None:
    # Stripe would answer in the shapes of another version, which are not known here.
    version = request.headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise Refused(400, f"Invalid Stripe API version: {version}")


def _params(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return tree(request.query.items())
    try:
        return read_body(request.body)
    except UnicodeDecodeError:
        raise Refused(400, "Invalid request body.") from None


def _failed_after(answer: Answer) -> Answer:
    refused = REFUSALS["500"]
    return Answer(500, refused.body(), answer.headers | {"stripe-should-retry": "false"})


async def _hang(connection: Connection, _: Answer) -> None:
    await connection.closed_by_client()


async def _cut(connection: Connection, _: Answer) -> None:
    connection.close()
    raise ConnectionCut


async def _malformed(connection: Connection, answer: Answer) -> None:
    headers = {"content-type": "application/json"} | answer.headers
    await connection.answer(answer.status, headers, b'{"id": "cs_test_')


async def _html(connection: Connection, answer: Answer) -> None:
    headers = {"content-type": "text/html"} | answer.headers
    await connection.answer(answer.status, headers, b"<!doctype html><h1>One moment</h1>")


_SENT: dict[str, Callable[[Connection, Answer], Awaitable[None]]] = {
    "hang-after": _hang,
    "cut-after": _cut,
    "malformed": _malformed,
    "html": _html,
}
