"""Endpoints to request a generation, follow its progress and cancel it."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody

from api import sse
from api.auth import Identity
from api.guards import requires_scope
from api.mappers.factoids import factoid_out
from api.mappers.generation import generation_out
from api.middleware.idempotency import IDEMPOTENT
from api.schemas.factoids import FactoidOut
from api.schemas.generation import (
    GenerateIn,
    GenerationOut,
    GenerationsOut,
    StatusEvent,
    TokenEvent,
)
from domain.caller import Caller
from domain.factoids.service import FactoidNotFound, FactoidService
from domain.generation.input import GenerationInput
from domain.generation.requests import GenerationRequests, GenerationState
from domain.idempotency import Attempt
from domain.limits.captcha import Proof
from domain.model_runs.event_log import LoggedEvent
from domain.model_runs.progress import ProgressReader
from settings import Settings

WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})\"?(?:$|[,;\s])", re.IGNORECASE)
MAX_WAIT_S = 60

Prefer = Annotated[
    str | None,
    HeaderParameter(name="Prefer", description="`wait=30`: answer 201 when it is ready in time."),
]
READ = requires_scope("read")
GENERATE = requires_scope("generate")


PROGRESS_EXAMPLE = (
    sse.OPENING
    + sse.event("status", StatusEvent("running", "Asking the model"), "1763629202000-0")
    + sse.event("token", TokenEvent("Octopuses have"), "1763629203000-0")
    + sse.event("factoid", FactoidOut.example(), "1763629204000-0")
).decode()


class GenerationController(Controller):
    path = "/api/factoids/generate"
    tags = ("Generation",)

    @post(
        operation_id="GenerateFactoid",
        status_code=202,
        responses={
            201: ResponseSpec(GenerationOut, description="Written within the wait asked for.")
        },
        guards=[GENERATE],
        opt={IDEMPOTENT: True, "refusals": [402, 403]},
    )
    async def generate(
        self,
        data: JSONBody[GenerateIn],
        identity: NamedDependency[Identity],
        caller: NamedDependency[Caller],
        generations: NamedDependency[GenerationRequests],
        factoids: NamedDependency[FactoidService],
        progress: NamedDependency[ProgressReader[Any]],
        attempt: NamedDependency[Attempt],
        settings: NamedDependency[Settings],
        prefer: Prefer = None,
    ) -> Response[GenerationOut]:
        """Ask for a new factoid; follow `stream_url` to watch it being written.

        Send an `Idempotency-Key` so that a double click or a retry asks for one, not two.
        """
        token = data.captcha_token
        proof = Proof(token, identity.address) if token else None
        inputs = GenerationInput(data.topic, data.model, data.temperature, proof, data.pay_with)
        origin = "api" if caller.kind == "key" else "manual"
        state = await generations.create(caller, inputs, origin=origin, attempt=attempt)
        wait = WAIT.search(prefer or "")
        headers = {"Location": f"/api/factoids/generate/{state.request.id}"}
        if wait:
            await _wait(progress, state.request.id, min(int(wait[1]), MAX_WAIT_S))
            state = await generations.get(caller, state.request.id)
            headers["Preference-Applied"] = f"wait={wait[1]}"
        out = await _out(state, factoids, settings.site_url)
        return Response(out, status_code=201 if out.factoid else 202, headers=headers)

    @get(operation_id="ListGenerations", guards=[READ])
    async def list(
        self,
        caller: NamedDependency[Caller],
        generations: NamedDependency[GenerationRequests],
        factoids: NamedDependency[FactoidService],
        settings: NamedDependency[Settings],
    ) -> GenerationsOut:
        """Your own last five requests, newest first."""
        newest = await generations.newest(caller)
        return GenerationsOut([await _out(s, factoids, settings.site_url) for s in newest])

    @get("/{request_id:uuid}", operation_id="GetGeneration", guards=[READ])
    async def show(
        self,
        request_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        generations: NamedDependency[GenerationRequests],
        factoids: NamedDependency[FactoidService],
        settings: NamedDependency[Settings],
    ) -> GenerationOut:
        """A request of yours: its state, its receipt and, at the end, the factoid."""
        return await _out(await generations.get(caller, request_id), factoids, settings.site_url)

    @delete(
        "/{request_id:uuid}",
        operation_id="CancelGeneration",
        status_code=200,
        guards=[GENERATE],
        opt={"refusals": [409]},
    )
    async def cancel(
        self,
        request_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        generations: NamedDependency[GenerationRequests],
        factoids: NamedDependency[FactoidService],
        settings: NamedDependency[Settings],
    ) -> GenerationOut:
        """Stop a request of yours; what the model has charged by then is still booked."""
        return await _out(await generations.cancel(caller, request_id), factoids, settings.site_url)

    @get(
        "/{request_id:uuid}/stream",
        operation_id="FollowGeneration",
        guards=[READ],
        media_type=sse.MEDIA_TYPE,
        responses={204: ResponseSpec(None, description="You have seen all of it.")},
        opt={"examples": {sse.MEDIA_TYPE: PROGRESS_EXAMPLE}},
    )
    async def follow(
        self,
        request_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        generations: NamedDependency[GenerationRequests],
        factoids: NamedDependency[FactoidService],
        progress: NamedDependency[ProgressReader[Any]],
        settings: NamedDependency[Settings],
        last_event_id: sse.LastEventId = None,
    ) -> Response[Any]:
        """Watch a factoid being written, as server-sent events with ids.

        `status` says how far it is, `token` carries the next piece of its text, and `factoid`
        or `error` ends it. Send the last id seen as `Last-Event-ID` to go on after it.
        """
        await generations.get(caller, request_id)
        if await progress.is_finished(request_id, last_event_id):
            return Response(None, status_code=204)
        return sse.stream(_events(progress, factoids, settings.site_url, request_id, last_event_id))


async def _out(state: GenerationState, factoids: FactoidService, site_url: str) -> GenerationOut:
    if state.request.factoid_id is None:
        return generation_out(state, None, site_url)
    try:
        card = await factoids.get_factoid(state.request.factoid_id, None)
        return generation_out(state, card, site_url)
    except FactoidNotFound:
        return generation_out(state, None, site_url)


async def _wait(progress: ProgressReader[Any], request_id: UUID, wait_s: int) -> None:
    try:
        async with asyncio.timeout(wait_s):
            async for _ in progress.follow(request_id, None):
                pass
    except TimeoutError:
        return


async def _events(
    progress: ProgressReader[Any],
    factoids: FactoidService,
    site_url: str,
    request_id: UUID,
    after: str | None,
) -> AsyncGenerator[bytes | None]:
    async with aclosing(progress.follow(request_id, after)) as events:
        async for event in events:
            yield await _sse_event(event, factoids, site_url) if event else None


async def _sse_event(event: LoggedEvent, factoids: FactoidService, site_url: str) -> bytes:
    if event.name != "factoid":
        return sse.event(event.name, event.data, event.id)
    try:
        card = await factoids.get_factoid(UUID(event.data["factoid_id"]), None)
    except FactoidNotFound as gone:
        return sse.event("error", {"code": gone.code, "detail": gone.detail}, event.id)
    return sse.event("factoid", factoid_out(card, site_url), event.id)
