"""Real workers: killed, held up and told to stop in the middle of their work."""

from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
from sqlalchemy import text

from db.models.model_run import OPEN
from tests.fixtures.generation import (
    PATIENTLY,
    bill,
    books,
    closed,
    completions,
    count_factoids,
    publishing_held,
    transactions,
    waiting_for_table,
    waiting_to_publish,
)
from tests.processes import running_worker, until

FACTOID = ("succeeded", None)
INTERRUPTED = ("failed", "interrupted")


@pytest.fixture
def worker(standin):
    """Starts a worker that asks the stand-in."""
    return lambda **environment: running_worker(
        OPENROUTER_BASE_URL=standin.base_url, MODELS_ALLOWED="openai/gpt-4o-mini", **environment
    )


async def test_a_request_outlives_its_killed_worker_whatever_step_it_was_at(
    generation_harness, standin, database, worker
):
    ids = {}
    async with worker() as killed, AsyncExitStack() as held:
        await held.enter_async_context(publishing_held(database))
        ids["answered"] = await generation_harness.ask("honey")
        ids["of unknown cost"] = await generation_harness.ask("[[scenario:generation-404-3]] moss")
        for point in ("gated-headers", "gated", "gated-end"):
            ids[point] = await generation_harness.ask(f"[[scenario:{point}]] bees")
        await standin.wait_at_gate(3)

        async def both_answered() -> bool:
            return await waiting_to_publish(database) == 2

        await until(both_answered, "two answers that wait to be published")

        lock = await held.enter_async_context(database.engine.connect())
        await lock.execute(text(PATIENTLY))
        await lock.execute(text("LOCK TABLE model_calls IN SHARE MODE"))
        ids["taken"] = await generation_harness.ask("glaciers")
        await until(lambda: waiting_for_table(database, "INTO model_calls"), "a call to be made")

        killed.pause()
        ids["queued"] = await generation_harness.ask("bridges")
        await lock.execute(
            text("SELECT FROM generation_requests WHERE id = :id FOR UPDATE"),
            {"id": ids["queued"]},
        )
        killed.resume()
        await until(
            lambda: waiting_for_table(database, "UPDATE generation_requests"),
            "a request to be taken",
        )
        await killed.kill()

    async with worker():
        requests = dict(zip(ids, await generation_harness.ended(*ids.values()), strict=True))

    ended = {point: (one.status, one.problem_code) for point, one in requests.items()}
    assert ended == {
        "queued": FACTOID,
        "taken": FACTOID,
        "answered": FACTOID,
        "of unknown cost": FACTOID,
        "gated-headers": INTERRUPTED,
        "gated": INTERRUPTED,
        "gated-end": INTERRUPTED,
    }
    assert await count_factoids(database) == 4
    log = await standin.log()
    assert len(completions(log)) == len(ids)
    # Nobody named this one before the kill, so its worst case is booked.
    assert requests["gated-headers"].cost_usd == requests["gated-headers"].quote_usd
    known = sum(one.cost_usd for point, one in requests.items() if point != "gated-headers")
    assert known == bill(log)
    assert await books(database) == closed(
        sum((one.cost_usd or Decimal(0) for one in requests.values()), Decimal(0))
    )
    assert all(one.allowance_returned for one in requests.values() if one.status == "failed")


async def test_a_worker_told_to_stop_finishes_the_answer_under_way(
    generation_harness, standin, worker
):
    async with worker() as old:
        under_way = await generation_harness.ask("[[scenario:gated]] bees")
        await standin.wait_at_gate()
        old.terminate()

        async with worker():
            waiting = await generation_harness.ask("honey")
            (later,) = await generation_harness.ended(waiting)
            assert (await generation_harness.request(under_way)).status in OPEN
            await standin.open()
            (finished,) = await generation_harness.ended(under_way)

        assert await old.process.wait() == 0
    assert [one.status for one in (finished, later)] == ["succeeded", "succeeded"]
    assert len(completions(await standin.log())) == 2


async def test_a_worker_held_up_for_too_long_has_no_say_any_more(
    generation_harness, standin, database, worker
):
    async with worker() as slow:
        request_id = await generation_harness.ask("[[scenario:gated]] bees")
        await standin.wait_at_gate()

        async def paused_between_transactions() -> bool:
            slow.pause()
            if await transactions(database) == 0:
                return True
            slow.resume()
            return False

        await until(paused_between_transactions, "the worker to be frozen holding no row")

        async def over() -> bool:
            return (await generation_harness.request(request_id)).status not in OPEN

        async with worker():
            await until(over, "the other worker to take over")
            slow.resume()
            await standin.open()
            await until(lambda: _has_said(slow, "lease_lost"), "the slow worker to notice")
            (request,) = await generation_harness.ended(request_id)

    log = await standin.log()
    assert (request.status, request.problem_code) == INTERRUPTED
    # Whether the answer had been named before the worker froze is chance.
    assert request.cost_usd in {bill(log), request.quote_usd}
    assert await count_factoids(database) == 0
    assert len(completions(log)) == 1


async def _has_said(worker, words):
    return words in worker.log
