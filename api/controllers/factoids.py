"""Endpoints to list, search and read factoids, and the live stream."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, Parameter, QueryParameter
from litestar.response import Stream

from api import sse
from api.dependencies import reading_of
from api.fast_json import FastJSON
from api.guards import HotRead, requires_scope
from api.mappers.factoids import factoid_out
from api.middleware.conditional_requests import NO_STORE, PUBLIC_READ, STRONG, WEAK
from api.parameters import ModelId
from api.schemas.factoids import (
    FactoidOut,
    FactoidPage,
    Sort,
)
from api.schemas.generation import LiveTally
from domain.errors import Invalid
from domain.factoids.categories import Category
from domain.factoids.service import FactoidNotFound, FactoidQuery, FactoidService
from domain.infra.live import FactoidPublished, LiveEvent, LiveHub, TallyChanged
from settings import Settings

Limit = Annotated[int, Parameter(ge=1, le=100, description="How many at most.")]
Words = Annotated[
    str | None,
    QueryParameter(max_length=200, description="Words to find; the last one may be unfinished."),
]
TIMESTAMP = re.compile(
    r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})?)?$", re.ASCII
)
Since = Annotated[
    str | None,
    QueryParameter(
        description="Published since then: a date, or a moment, in UTC if it does not say.",
        schema_extra={"pattern": TIMESTAMP.pattern},
    ),
]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=500, description="`next_cursor` of the page before, unaltered, within 30 days."
    ),
]


async def refuse_literal_null(request: Request[Any, Any, Any]) -> None:
    """Refuse the text "null" as a value, which Litestar would parse as None."""
    if b"null" not in request.scope["query_string"] and b"%" not in request.scope["query_string"]:
        return
    for name in ("sort", "category", "since", "date"):
        if "null" in request.query_params.getall(name, []):
            raise Invalid("This is none of the values that can be used.", field=name)


LIVE_EXAMPLE = (
    sse.OPENING
    + sse.event("factoid", FactoidOut.example())
    + sse.event("tally", LiveTally(FactoidOut.example().id, votes_up=42, votes_down=3))
    + sse.PING
).decode()


class FactoidController(Controller):
    path = "/api/factoids"
    tags = ("Factoids",)
    guards = (requires_scope("read"),)
    before_request = refuse_literal_null

    @HotRead(
        http_method="GET", operation_id="ListFactoids", opt={PUBLIC_READ: WEAK, "refusals": [400]}
    )
    async def list(
        self,
        request: Request[Any, Any, Any],
        sort: FromQuery[Sort | None] = None,
        category: FromQuery[Category | None] = None,
        model: ModelId = None,
        q: Words = None,
        since: Since = None,
        limit: FromQuery[Limit] = 20,
        cursor: Cursor = None,
    ) -> Response[FactoidPage]:
        """List factoids in an order, filtered or searched.

        Without `sort`: the newest first, or with `q` the best matches first. A search forgives
        typing errors when nothing matches exactly.
        """
        query = FactoidQuery(sort, category, model, q, _utc(since), limit, cursor)
        reading = reading_of(request)
        feed = await reading.factoids.page(query, reading.reader_id)
        items = [factoid_out(card, reading.site_url) for card in feed.items]
        page = FactoidPage(items, feed.next_cursor)
        # A random order is different each time.
        uncached = [(b"cache-control", NO_STORE)] if sort == "random" else []
        return FastJSON(page, [*uncached, *_links(query, feed.next_cursor)])

    @get("/today", operation_id="GetFactoidOfTheDay", opt={PUBLIC_READ: STRONG, "refusals": [404]})
    async def today(
        self,
        factoids: NamedDependency[FactoidService],
        settings: NamedDependency[Settings],
        day: Annotated[date | None, QueryParameter(name="date", description="A UTC date.")] = None,
    ) -> FactoidOut:
        """The factoid of a UTC date, today's by default: the same for everybody all day."""
        card = await factoids.factoid_of_day(day or datetime.now(UTC).date())
        return factoid_out(card, settings.site_url)

    @get("/random", operation_id="GetRandomFactoids")
    async def random(
        self,
        request: Request[Any, Any, Any],
        category: FromQuery[Category | None] = None,
        limit: FromQuery[Limit] = 1,
    ) -> FactoidPage:
        """A random factoid, or up to `limit` different ones."""
        query = FactoidQuery(sort="random", category=category, limit=limit)
        reading = reading_of(request)
        feed = await reading.factoids.page(query, reading.reader_id)
        return FactoidPage([factoid_out(card, reading.site_url) for card in feed.items])

    @get(
        "/live",
        operation_id="FollowLive",
        media_type=sse.MEDIA_TYPE,
        opt={"examples": {sse.MEDIA_TYPE: LIVE_EXAMPLE}},
    )
    async def live(
        self,
        live: NamedDependency[LiveHub],
        factoids: NamedDependency[FactoidService],
        settings: NamedDependency[Settings],
    ) -> Stream:
        """Follow what changes for everybody, as server-sent events without an end.

        `factoid` carries each newly published factoid, `tally` each changed count of votes.
        """
        return sse.stream(_live_events(live, factoids, settings.site_url))

    @HotRead(
        "/{factoid_id:uuid}",
        http_method="GET",
        operation_id="GetFactoid",
        opt={PUBLIC_READ: STRONG},
    )
    async def show(
        self,
        factoid_id: FromPath[UUID],
        request: Request[Any, Any, Any],
    ) -> Response[FactoidOut]:
        """Read one factoid."""
        reading = reading_of(request)
        card = await reading.factoids.get_factoid(factoid_id, reading.reader_id)
        return FastJSON(factoid_out(card, reading.site_url))


async def _live_events(
    live: LiveHub, factoids: FactoidService, site_url: str
) -> AsyncGenerator[bytes | None]:
    async with live.listen() as queue, aclosing(sse.items_of(queue)) as events:
        async for event in events:
            yield await _sse_event(event, factoids, site_url)


async def _sse_event(
    event: LiveEvent | None, factoids: FactoidService, site_url: str
) -> bytes | None:
    if isinstance(event, FactoidPublished):
        try:
            card = await factoids.get_factoid(event.factoid_id, None)
            return sse.event("factoid", factoid_out(card, site_url))
        except FactoidNotFound:
            return None
    if isinstance(event, TallyChanged):
        return sse.event("tally", LiveTally(event.factoid_id, event.votes_up, event.votes_down))
    return None


def _utc(text: str | None) -> datetime | None:
    """Parse a date (midnight) or a timestamp, in UTC unless it has an offset.

    Raises:
        Invalid: It is neither, or out of range.
    """
    if text is None:
        return None
    try:
        if not TIMESTAMP.match(text):
            raise ValueError
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise Invalid(
            "Write a date, or a moment like 2026-11-20T09:00:00Z.", field="since"
        ) from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid("That moment is beyond the calendar.", field="since") from None


def _links(query: FactoidQuery, next_cursor: str | None) -> list[tuple[bytes, bytes]]:
    """The `Link` header of the next page (RFC 8288)."""
    if next_cursor is None:
        return []
    values = {
        "sort": query.sort,
        "category": query.category,
        "model": query.model,
        "q": query.q,
        "since": query.since.isoformat() if query.since else None,
    }
    present = {name: value for name, value in values.items() if value is not None}
    filters = f"{urlencode(present)}&" if present else ""
    # The characters of a cursor need no URL encoding.
    address = f"/api/factoids?{filters}limit={query.limit}&cursor={next_cursor}"
    return [(b"link", f'<{address}>; rel="next"'.encode())]
