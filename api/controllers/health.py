"""Liveness and readiness probes."""

from litestar import Controller, Response, get
from litestar.datastructures import State

from api.guards import requires_scope
from api.problems import problem
from api.schemas.health import LiveOut, ReadyOut
from api.schemas.problem import FieldProblem
from domain.infra.health import check_health

RETRY_AFTER_S = 5


class HealthController(Controller):
    path = "/health"
    tags = ("Service",)
    guards = (requires_scope("read"),)

    @get("/live", operation_id="IsLive")
    async def live(self) -> LiveOut:
        """Tell that the process answers. Asks nothing else: a lost database is no reason to
        restart.
        """
        return LiveOut("ok")

    @get("/ready", operation_id="IsReady")
    async def ready(self, state: State) -> Response[ReadyOut]:
        """Tell whether Postgres, Redis and the tables are there; 503 with what is missing if
        not.
        """
        health = await check_health(state.services.database, state.services.redis)
        if not health.ready:
            return problem(
                503,
                "not_ready",
                "Not everything the site needs is there yet.",
                errors=[FieldProblem(name, word) for name, word in health.failing.items()],
                retry_after_s=RETRY_AFTER_S,
            )
        return Response(ReadyOut("ok", health.database, health.redis, health.migrations))
