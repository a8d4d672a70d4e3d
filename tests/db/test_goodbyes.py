"""Postgres says goodbye before it hangs up; who asks in between is told that it is away."""

from litestar.testing import RequestFactory
from sqlalchemy import text

from api.problems import refuse_unexpected

TIMES = 40
PID = "SELECT pg_backend_pid()"


async def test_whoever_asks_on_an_ending_connection_is_told_to_come_again(database):
    """It cannot be said beforehand how far the goodbye is, so it is met many times."""

    async def written(sql: str) -> int | None:
        async with database.sessions() as session:
            return await session.scalar(text(sql))

    statuses: list[int | None] = []
    async with database.engine.connect() as elsewhere:
        for ask in (database.reads.fetchval, written):
            for _ in range(TIMES):
                try:
                    leaving = await ask(PID)
                    await elsewhere.exec_driver_sql(f"SELECT pg_terminate_backend({leaving})")
                    await ask("SELECT 1")
                except Exception as error:
                    refusal = refuse_unexpected(RequestFactory().get("/"), error)
                    statuses.append(refusal.status_code)

    assert set(statuses) == {503}
