"""Probes: whether the process lives, and whether what it needs is there."""

import asyncio

from litestar import Response, get
from litestar.datastructures import State
from sqlalchemy import text

from api.schemas.service import LiveOut, ReadyOut
from db.session import Database, head_revision

LOOK_AT_MOST_S = 1


@get("/health/live", operation_id="IsLive", tags=["Service"])
async def live() -> LiveOut:
    """The process answers. Asks nothing else, so a lost database does not restart it."""
    return LiveOut("ok")


@get("/health/ready", operation_id="IsReady", tags=["Service"])
async def ready(state: State) -> Response[ReadyOut]:
    """Postgres, Redis and the tables are there; 503 with what is missing otherwise."""
    found = ReadyOut("ok", database="ok", redis="ok", migrations="ok")
    try:
        async with asyncio.timeout(LOOK_AT_MOST_S):
            revision = await _revision(state.database)
        found.migrations = "ok" if revision == head_revision() else "behind"
    except Exception:  # Whatever is wrong, the probe has to say so and not fail itself.
        found.database = found.migrations = "away"
    try:
        async with asyncio.timeout(LOOK_AT_MOST_S):
            await state.redis.ping()
    except Exception:  # The same.
        found.redis = "away"
    if (found.database, found.redis, found.migrations) != ("ok", "ok", "ok"):
        found.status = "not ready"
    return Response(found, status_code=200 if found.status == "ok" else 503)


async def _revision(database: Database) -> str | None:
    async with database.engine.connect() as connection:
        return await connection.scalar(text("SELECT version_num FROM alembic_version"))
