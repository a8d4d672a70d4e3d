"""Ceiling (b): the product's own statements on bare ASGI, asyncpg and msgspec, nothing else.

It answers the same JSON as the product, but signs, checks, logs and counts nothing.
"""

import base64
import os
import struct
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

import asyncpg
import msgspec

from api.schemas.factoids import FactoidOut, FactoidPage
from db.repositories.factoids import (
    MATCH_END,
    MATCH_START,
    FactoidCard,
    PageShape,
    factoid_statement,
    page_statement,
)
from db.session import READ_SETTINGS

FIRST_PAGE = page_statement(PageShape("new", 21))
NEXT_PAGE = page_statement(PageShape("new", 21, after=True))
SEARCH = page_statement(PageShape("relevance", 21, search=True))
ONE = factoid_statement(voter=False)
CAST_VOTE = "SELECT up, down FROM cast_vote($1, $2, $3::smallint)"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PERMALINK = f"{os.environ.get('PUBLIC_URL', '')}/f/"
encode = msgspec.json.Encoder().encode


FIELD_SOURCES = {"score": "votes_up", "url": "id", "highlighted": "marked"}
"""Fields of the answer that no column has, each with the column whose value is replaced."""
COLUMNS = FactoidCard.__struct_fields__
values_of = itemgetter(
    *(COLUMNS.index(FIELD_SOURCES.get(name, name)) for name in FactoidOut.__struct_fields__)
)
VOTES_UP, VOTES_DOWN = COLUMNS.index("votes_up"), COLUMNS.index("votes_down")
ID, SORT_KEY, MARKED = COLUMNS.index("id"), COLUMNS.index("sort_key"), COLUMNS.index("marked")


class Part(msgspec.Struct, gc=False):
    text: str
    match: bool


class VoteIn(msgspec.Struct, gc=False):
    value: int


class Tally(msgspec.Struct, gc=False):
    factoid_id: UUID
    votes_up: int
    votes_down: int
    score: int
    my_vote: int | None


read_vote = msgspec.json.Decoder(VoteIn).decode


def write_cursor(moment: datetime, factoid_id: UUID) -> str:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(struct.pack(">q", micros) + factoid_id.bytes).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    packed = base64.urlsafe_b64decode(cursor)
    moment = EPOCH + timedelta(microseconds=struct.unpack(">q", packed[:8])[0])
    return moment, UUID(bytes=packed[8:])


def item(row: Any, parts: list[Any]) -> FactoidOut:
    out = FactoidOut(*values_of(row))
    out.score = row[VOTES_UP] - row[VOTES_DOWN]
    out.url = PERMALINK + str(row[ID])
    out.my_vote = out.my_vote or None
    out.highlighted = parts
    return out


def parts_of(marked: str) -> list[Part]:
    parts: list[Part] = []
    for piece in marked.split(MATCH_START):
        match, end, rest = piece.partition(MATCH_END)
        if end:
            parts.append(Part(match, True))
        else:
            rest = match
        if rest:
            parts.append(Part(rest, False))
    return parts


class Bare:
    """The app: four addresses over two pools."""

    reads: Any
    writes: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = await self._answer(scope["path"], scope, receive)
        length = b"%d" % len(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str, scope: Any, receive: Any) -> bytes:
        if path == "/feed":
            return await self._feed(scope["query_string"].removeprefix(b"cursor=").decode())
        if path.startswith("/one/"):
            values = {"id": UUID(path[5:])}
            row = await self.reads.fetchrow(ONE.sql, *ONE.arguments(values))
            return encode(item(row, []))
        if path == "/search":
            return await self._search(unquote_plus(scope["query_string"][2:].decode()))
        if path.startswith("/vote/"):
            return await self._vote(UUID(path[6:]), scope, receive)
        return b"{}"

    async def _feed(self, cursor: str) -> bytes:
        statement, values = FIRST_PAGE, dict[str, Any]()
        if cursor:
            moment, factoid_id = read_cursor(cursor)
            statement = NEXT_PAGE
            values = {"after_key": moment, "after_id": factoid_id}
        rows = await self.reads.fetch(statement.sql, *statement.arguments(values))
        items = [item(row, []) for row in rows[:20]]
        last = items[-1]
        return encode(
            FactoidPage(items, write_cursor(last.created_at, last.id) if len(rows) > 20 else None)
        )

    async def _search(self, asked: str) -> bytes:
        words = asked.split()
        query = " & ".join([*words[:-1], f"{words[-1]}:*"])
        values = {"query": query}
        rows = await self.reads.fetch(SEARCH.sql, *SEARCH.arguments(values))
        items = [item(row, parts_of(row[MARKED])) for row in rows[:20]]
        last = f"{rows[19][SORT_KEY]}:{items[-1].id}" if len(rows) > 20 else None
        return encode(FactoidPage(items, last))

    async def _vote(self, factoid_id: UUID, scope: Any, receive: Any) -> bytes:
        message = await receive()
        value = read_vote(message["body"]).value
        cookie = next(given for name, given in scope["headers"] if name == b"cookie")
        voter = UUID(hex=cookie.split(b".")[2].decode())
        up, down = await self.writes.fetchrow(CAST_VOTE, factoid_id, voter, value)
        return encode(Tally(factoid_id, up, down, up - down, value or None))

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        url, size = os.environ["DATABASE_URL"], int(os.environ["READ_POOL_SIZE"])
        self.reads = await asyncpg.create_pool(
            url, min_size=size, max_size=size, reset=_keep, server_settings=READ_SETTINGS
        )
        self.writes = await asyncpg.create_pool(url, min_size=10, max_size=10, reset=_keep)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.reads.close()
        await self.writes.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _keep(connection: Any) -> None:
    """asyncpg's own reset would cost a round trip."""


app = Bare()
