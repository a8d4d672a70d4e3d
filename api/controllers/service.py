"""Probes: whether the process lives, and whether what it needs is there."""

from litestar import Response, get
from litestar.datastructures import State

from api.schemas.service import LiveOut, ReadyOut
from domain import health


@get("/health/live", operation_id="IsLive", tags=["Service"])
async def live() -> LiveOut:
    """The process answers. Asks nothing else, so a lost database does not restart it."""
    return LiveOut("ok")


@get("/health/ready", operation_id="IsReady", tags=["Service"])
async def ready(state: State) -> Response[ReadyOut]:
    """Postgres, Redis and the tables are there; 503 with what is missing otherwise."""
    found = await health.look(state.database, state.redis)
    return Response(
        ReadyOut(
            "ok" if found.ready else "not ready", found.database, found.redis, found.migrations
        ),
        status_code=200 if found.ready else 503,
    )
