"""The wall: whatever happens at once, no more is spent than there is, and all of it is booked."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal
from uuid import UUID

import httpx
from sqlalchemy import text

from domain.generation.input import quote_usd
from domain.orphaned_holds import release_orphans
from tests.fixtures.generation import MODEL, bill, books, closed, completions
from tests.processes import running_api, running_worker
from tests.proof import at_length

AFFORDED = 37

ASKED = at_length(120, whole=1_000)
PROCESSES = at_length(2, whole=4)
"""Of the API, and as many workers."""

AT_ONCE = 60


async def test_a_budget_for_37_lets_37_through_however_many_ask_at_once(
    generation_harness, standin, database, model
):
    budget = AFFORDED * quote_usd(model) + quote_usd(model) / 2
    environment = {
        "OPENROUTER_BASE_URL": standin.base_url,
        "MODELS_ALLOWED": MODEL,
        "BUDGET_USD": str(budget),
        "BUDGET_VISITORS_USD": str(budget),
        "BUDGET_KEYS_USD": "0",
        "BUDGET_SCHEDULED_USD": "0",
        "BUDGET_PAID_USD": "0",
        "TRUSTED_PROXY_HOPS": "1",
        "READ_POOL_SIZE": "1",
        "WRITE_POOL_SIZE": "4",
    }
    async with AsyncExitStack() as running:
        clients: list[httpx.AsyncClient] = []
        for _ in range(PROCESSES):
            api = await running.enter_async_context(running_api(**environment))
            clients += [await running.enter_async_context(api.client())]
            await running.enter_async_context(running_worker(**environment))
        hands = asyncio.Semaphore(AT_ONCE)

        async def ask(place: int) -> httpx.Response:
            """As a visitor of their own, from a network of their own."""
            client = clients[place % PROCESSES]
            async with hands:
                client.cookies.clear()
                return await client.post(
                    "/api/factoids/generate",
                    # Answers wait half told, so that nothing held is let go meanwhile.
                    json={"topic": f"[[scenario:gated]] {place}", "model": MODEL},
                    headers={"X-Forwarded-For": f"10.{place // 250}.{place % 250}.7"},
                )

        answers = await asyncio.gather(*(ask(place) for place in range(ASKED)))
        admitted = [UUID(one.json()["id"]) for one in answers if one.status_code == 202]
        refused = [one for one in answers if one.status_code == 402]
        at_the_wall = await books(database)
        opening = asyncio.create_task(_keep_open(standin))
        try:
            ended = await generation_harness.ended(*admitted)
        finally:
            opening.cancel()

    assert len(admitted) == AFFORDED
    assert len(refused) == ASKED - AFFORDED
    assert {one.json()["code"] for one in refused} == {"budget_used_up"}
    assert (at_the_wall.over, at_the_wall.open) == (0, AFFORDED)
    log = await standin.log()
    assert len(completions(log)) >= AFFORDED
    assert await books(database) == closed(bill(log))
    assert sum((one.cost_usd for one in ended), Decimal(0)) == bill(log) <= budget


async def test_money_held_for_dead_work_is_let_go_or_booked(
    generation_harness, standin, database, model
):
    """As if jobs were lost and rows deleted by hand: nobody would come back to these."""
    waiting = await generation_harness.ask("honey")
    under_way = await generation_harness.ask("bees")
    over = await generation_harness.ask("[[scenario:generation-404-3]] ants")
    deleted = await generation_harness.ask("moss")
    await generation_harness.service.finish(over)
    async with database.sessions.begin() as session:
        for statement in (
            "DELETE FROM outbox",
            f"DELETE FROM generation_requests WHERE id = '{deleted}'",
            "UPDATE generation_requests SET status = 'running', lease_holder = gen_random_uuid(),"
            f" lease_until = now() - interval '1 second' WHERE id = '{under_way}'",
            "UPDATE budget_reservations SET created_at = now() - interval '1 hour'",
        ):
            await session.execute(text(statement))
    assert (await books(database)).open == 4

    assert await release_orphans(database.sessions) == 4
    assert await _jobs(database) == {
        f"generate:{waiting}",
        f"generate:{under_way}",
        f"settle:{over}",
    }
    for request_id in (waiting, under_way, over):
        await generation_harness.finish(request_id)

    requests = [await generation_harness.request(one) for one in (waiting, under_way, over)]
    assert [one.status for one in requests] == ["succeeded"] * 3
    assert requests[2].cost_source == "generation"
    costs = bill(await standin.log()) + quote_usd(model)
    assert await books(database) == closed(costs)


async def _jobs(database) -> set[str]:
    async with database.sessions() as session:
        return set(await session.scalars(text("SELECT key FROM outbox")))


async def _keep_open(standin) -> None:
    while True:
        await standin.open()
        await asyncio.sleep(0.05)
