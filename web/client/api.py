"""A typed client of the API: one method per endpoint, with the API's schemas."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx
import msgspec
import reflex as rx
from httpx_sse import EventSource, ServerSentEvent

from api.schemas.factoids import (
    CategoriesOut,
    FactoidOut,
    FactoidPage,
    FeedbackIn,
    FeedbackOut,
    TallyOut,
    VoteIn,
    VoteValue,
)
from api.schemas.generation import GenerateIn, GenerationOut, LimitsOut, ModelsOut
from api.schemas.keys import KeyIn, KeyOut, KeysOut, NewKeyOut
from api.schemas.problem import Problem
from api.schemas.quote import LiveQuoteOut
from web.client.transport import ASGIApp, StreamingASGITransport

REQUEST_TIMEOUT_S = 8.0
"""A plain request that takes longer is abandoned."""
STREAM_SILENCE_S = 40.0
"""A stream sends a ping every 15 s; after this much silence it counts as lost."""

STREAM_FINISHED = 204
"""The status of a stream without further events, which clients must not join again."""

IN_PROCESS_URL = "http://localhost"
"""httpx requires a base URL even where it opens no connection."""

T = TypeVar("T")


class ApiProblem(Exception):
    """The API refused a request or could not be reached; `problem` says why in plain words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem

    @property
    def full_detail(self) -> str:
        """The reason, followed by the problems of single fields."""
        detail = self.problem.detail
        fields = [error.detail for error in self.problem.errors if error.detail not in detail]
        return " ".join([detail, *fields])


def read_event(event: ServerSentEvent, shape: type[T]) -> T:
    """The data of an event as this type.

    Raises:
        msgspec.MsgspecError: The data is not of this type.
    """
    return msgspec.json.decode(event.data, type=shape)


@dataclass
class _Connection:
    """The connection pool of this process, and the app behind it when it is in-process."""

    http: httpx.AsyncClient | None = None
    app: ASGIApp | None = None
    api_url: str | None = None


_connection = _Connection()


def use_app(app: ASGIApp | None, *, api_url: str | None = None) -> None:
    """Send all further requests to the API at `api_url` if given, else to this ASGI app."""
    _connection.app, _connection.api_url, _connection.http = app, api_url, None


def _http() -> httpx.AsyncClient:
    if _connection.http is None:
        if _connection.api_url is None and _connection.app is None:
            raise _unreachable("No API is connected to these pages.")
        _connection.http = httpx.AsyncClient(
            base_url=_connection.api_url or IN_PROCESS_URL,
            transport=None
            if _connection.api_url or not _connection.app
            else StreamingASGITransport(_connection.app),
            timeout=httpx.Timeout(REQUEST_TIMEOUT_S),
            # The pool serves all visitors: a cookie set for one must never be sent for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    return _connection.http


class ApiClient:
    """Calls the API on behalf of one visitor, with their cookie and IP address."""

    def __init__(self, cookie: str = "", address: str = "") -> None:
        self._headers = {"cookie": cookie} if cookie else {}
        if "__Host-" in cookie:
            # Browsers accept such cookies over TLS only, so the page was loaded over TLS.
            self._headers["x-forwarded-proto"] = "https"
        self._address = address
        if address and _connection.api_url:
            self._headers["x-forwarded-for"] = address

    @classmethod
    def for_visitor(cls, state: rx.State) -> Self:
        """A client for the visitor behind this state."""
        return cls(state.router.headers.cookie, state.router.session.client_ip)

    async def factoids(
        self,
        *,
        sort: str = "new",
        category: str | None = None,
        model: str | None = None,
        q: str | None = None,
        since: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> FactoidPage:
        parameters = {
            "sort": sort,
            "category": category,
            "model": model,
            "q": q,
            "since": since,
            "limit": limit,
            "cursor": cursor,
        }
        query = {name: value for name, value in parameters.items() if value not in (None, "")}
        return await self._get("/api/factoids", FactoidPage, query)

    async def factoid(self, factoid_id: UUID) -> FactoidOut:
        return await self._get(f"/api/factoids/{factoid_id}", FactoidOut)

    async def today(self) -> FactoidOut:
        return await self._get("/api/factoids/today", FactoidOut)

    async def random(self, limit: int = 20) -> FactoidPage:
        return await self._get("/api/factoids/random", FactoidPage, {"limit": limit})

    async def vote(self, factoid_id: UUID, value: VoteValue) -> TallyOut:
        path = f"/api/factoids/{factoid_id}/vote"
        return await self._call("PUT", path, TallyOut, body=VoteIn(value=value))

    async def feedback(self, feedback: FeedbackIn) -> FeedbackOut:
        return await self._call("POST", "/api/factoids/feedback", FeedbackOut, body=feedback)

    async def generate(self, request: GenerateIn, key: str = "") -> GenerationOut:
        """Request a factoid; the same idempotency key again returns the first request."""
        path = "/api/factoids/generate"
        return await self._call("POST", path, GenerationOut, body=request, key=key)

    async def quote(self, model: str = "") -> LiveQuoteOut:
        """The price of the next factoid; without `model` the API chooses the model."""
        params = {"model": model} if model else None
        return await self._get("/api/factoids/quote", LiveQuoteOut, params)

    async def vault(self, topic: str = "", seen: Sequence[UUID] = ()) -> FactoidOut:
        """A stored factoid on the topic, new to the visitor and not among `seen`."""
        parameters = {"topic": topic, "seen": ",".join(str(id_) for id_ in seen)}
        query = {name: value for name, value in parameters.items() if value}
        return await self._get("/api/factoids/vault", FactoidOut, query)

    async def generation(self, generation_id: UUID) -> GenerationOut:
        return await self._get(f"/api/factoids/generate/{generation_id}", GenerationOut)

    async def generations(self) -> list[GenerationOut]:
        """The visitor's own latest generations, newest first, at most five."""
        return (await self._get("/api/factoids/generate", _Generations)).items

    async def cancel(self, generation_id: UUID) -> GenerationOut:
        path = f"/api/factoids/generate/{generation_id}"
        return await self._call("DELETE", path, GenerationOut)

    def follow_generation(
        self, generation_id: UUID, after: str = ""
    ) -> AsyncGenerator[ServerSentEvent]:
        """The events of a generation after the one with id `after`."""
        return self._stream(f"/api/factoids/generate/{generation_id}/stream", after)

    def follow_live(self) -> AsyncGenerator[ServerSentEvent]:
        """New factoids and changed tallies, for all visitors; the stream does not end."""
        return self._stream("/api/factoids/live")

    async def limits(self) -> LimitsOut:
        return await self._get("/api/factoids/limits", LimitsOut)

    async def make_key(self, request: KeyIn, key: str = "") -> NewKeyOut:
        """Create a key; its secret is returned here and never again."""
        return await self._call("POST", "/api/keys", NewKeyOut, body=request, key=key)

    async def keys(self) -> list[KeyOut]:
        return (await self._get("/api/keys", KeysOut)).items

    async def rotate_key(self, key_id: UUID) -> NewKeyOut:
        return await self._call("POST", f"/api/keys/{key_id}/rotate", NewKeyOut)

    async def revoke_key(self, key_id: UUID) -> None:
        await self._call("DELETE", f"/api/keys/{key_id}", None)

    async def models(self) -> ModelsOut:
        return await self._get("/api/models", ModelsOut)

    async def categories(self) -> CategoriesOut:
        return await self._get("/api/categories", CategoriesOut)

    async def _get(self, path: str, shape: type[T], params: dict[str, Any] | None = None) -> T:
        return await self._call("GET", path, shape, params=params)

    async def _call(
        self,
        method: str,
        path: str,
        shape: type[T] | None,
        *,
        params: dict[str, Any] | None = None,
        body: msgspec.Struct | None = None,
        key: str = "",
    ) -> T:
        headers = dict(self._headers)
        if key:
            headers["idempotency-key"] = key
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                response = await _http().request(
                    method,
                    path,
                    params=params,
                    content=content,
                    headers=headers,
                    extensions=self._extensions(),
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise _unreachable() from error
        if response.is_error:
            raise _refusal(response.status_code, response.content)
        try:
            return msgspec.json.decode(response.content or b"null", type=shape)
        except msgspec.MsgspecError as error:
            raise _unreachable("The answer could not be read.") from error

    async def _stream(self, path: str, after: str = "") -> AsyncGenerator[ServerSentEvent]:
        headers = self._headers | {"accept": "text/event-stream"}
        if after:
            headers["last-event-id"] = after
        timeout = httpx.Timeout(REQUEST_TIMEOUT_S, read=STREAM_SILENCE_S)
        try:
            async with _http().stream(
                "GET", path, headers=headers, timeout=timeout, extensions=self._extensions()
            ) as response:
                if response.is_error:
                    raise _refusal(response.status_code, await response.aread())
                if response.status_code == STREAM_FINISHED:
                    return
                async for event in EventSource(response).aiter_sse():
                    yield event
        except httpx.HTTPError as error:
            raise _unreachable() from error

    def _extensions(self) -> dict[str, Any]:
        return {"client": (self._address, 0)} if self._address else {}


@dataclass
class _Generations:
    items: list[GenerationOut]


def _refusal(status: int, body: bytes) -> ApiProblem:
    try:
        return ApiProblem(msgspec.json.decode(body, type=Problem))
    except msgspec.MsgspecError:
        return _unreachable(status=status)


def _unreachable(detail: str = "", status: int = 503) -> ApiProblem:
    text = detail or "Our overlords are not picking up right now. Try again in a moment."
    return ApiProblem(Problem("Cannot reach the API", status, text, "unreachable", ""))
