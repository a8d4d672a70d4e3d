"""What a worker promises: jobs that cannot be lost, and one factoid a slot of the schedule."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from db.models import GenerationRequest
from db.repositories.outbox import OutboxRepository
from domain.jobs import DECLARED
from domain.llm.openrouter import Patience
from jobs.functions import FUNCTIONS, runs
from jobs.queue import open_queue
from jobs.relay import Relay
from jobs.worker import worker_settings
from tests.configuration import settings
from tests.fixtures.generation import completions, count_factoids
from tests.processes import ROOT, run_command, running_worker, until


@pytest.fixture
def worker(standin):
    """Starts a worker that asks the stand-in."""
    return lambda **environment: running_worker(
        OPENROUTER_BASE_URL=standin.base_url, MODELS_ALLOWED="openai/gpt-4o-mini", **environment
    )


def test_no_job_is_left_to_the_defaults_of_the_queue():
    worker = worker_settings(settings)

    assert dict(worker["functions"]).keys() == DECLARED.keys()
    for job in DECLARED.values():
        assert job.timeout_s
        assert job.retries
        assert job.retry_delay_s
    for job in worker["cron_jobs"]:
        assert job.timeout
        assert job.retries
        assert job.retry_delay
        assert job.heartbeat is not None
    assert worker["shutdown_grace_period_s"] > Patience().total_s
    assert DECLARED["run_generation"].timeout_s > Patience().total_s


def test_a_worker_that_does_not_run_a_declared_job_does_not_start(monkeypatch):
    monkeypatch.delitem(FUNCTIONS, "settle_generation")

    with pytest.raises(LookupError, match="settle_generation"):
        worker_settings(settings)


def test_a_function_whose_job_is_not_declared_does_not_start(monkeypatch):
    monkeypatch.delitem(DECLARED, "settle_generation")

    with pytest.raises(LookupError, match="settle_generation"):
        worker_settings(settings)


def test_two_functions_cannot_run_one_job():
    with pytest.raises(ValueError, match="run_generation"):
        runs(DECLARED["run_generation"])(FUNCTIONS["run_generation"])


def test_every_declared_job_is_known_to_a_worker():
    """Also those of modules that the worker itself does not import."""
    declare = "import pkgutil, importlib, domain, jobs.worker\n" + (
        "for module in pkgutil.walk_packages(domain.__path__, 'domain.'):\n"
        "    importlib.import_module(module.name)\n"
        "jobs.worker.check_job_functions()"
    )
    subprocess.run([sys.executable, "-c", declare], cwd=ROOT, check=True)


def test_the_catalogue_is_refreshed_every_hour():
    (refresh,) = [
        job
        for job in worker_settings(settings)["cron_jobs"]
        if job.function.__name__ == "refresh_models"
    ]
    minute, *rest = refresh.cron.split()

    assert minute.isdecimal()
    assert rest == ["*"] * 4


async def test_a_job_just_taken_is_not_taken_for_lost_until_nobody_marks_it(redis):
    queue = open_queue(settings.redis_url, name="jobs-of-a-test")
    await queue.enqueue("nothing", retries=2)
    taken = await queue.dequeue(timeout=5)

    looks: list[list[str]] = []
    for _ in range(2):
        looks.append(await queue.sweep(lock=1))
        await redis.delete(queue.namespace("sweep"))
    await queue.disconnect()

    assert taken
    assert looks == [[], [taken.id]]


async def test_requests_that_wait_survive_an_emptied_redis(
    generation_harness, standin, database, redis, worker
):
    async with worker() as running:
        under_way = await generation_harness.ask("[[scenario:gated]] bees")
        await standin.wait_at_gate()
        running.pause()
        waiting = [
            await generation_harness.ask(topic) for topic in ("honey", "glaciers", "bridges")
        ]
        queue = open_queue(settings.redis_url)
        await Relay(database, queue).move_due()
        await queue.disconnect()
        await redis.flushdb()
        running.resume()
        await standin.open()

        requests = await generation_harness.ended(under_way, *waiting)

    assert [one.status for one in requests] == ["succeeded"] * 4
    assert len(completions(await standin.log())) == 4


async def test_a_job_of_another_version_is_logged_and_delays_no_other(database, redis):
    async with database.sessions.begin() as session:
        await OutboxRepository(session).add("renamed_job", "renamed", {})
        await OutboxRepository(session).add("run_generation", "known", {"request_id": "1"})
    queue = open_queue(settings.redis_url)
    relay = Relay(database, queue)

    with capture_logs() as lines:
        moved = [await relay.move_due(), await relay.move_due()]
    enqueued = await queue.job("known")
    await queue.disconnect()

    assert moved == [2, 0]
    assert [line["job"] for line in lines if line["event"] == "job_unknown"] == ["renamed_job"]
    assert enqueued


async def test_each_slot_gets_one_factoid_however_many_workers_run(
    generation_harness, standin, database, worker
):
    often = {"FACTOID_SCHEDULE": "* * * * * */3"}
    async with worker(**often), worker(**often), worker(**often):

        async def published() -> bool:
            return await count_factoids(database) >= 3

        await until(published, "three factoids of the schedule")
        log = await standin.log()
        requests = await _scheduled(database)

    slots = [one.slot for one in requests]
    assert len(set(slots)) == len(slots)
    assert all(one.status == "succeeded" for one in requests[:3])
    assert len(completions(log)) <= len(slots)


async def test_a_slot_missed_while_no_worker_ran_is_caught_up_once(
    generation_harness, standin, database, worker
):
    last = datetime.now(UTC) - timedelta(hours=30)
    async with database.sessions.begin() as session:
        session.add(_published_in(last))

    daily = {"FACTOID_SCHEDULE": _an_hour_ago()}
    async with worker(**daily) as one, worker(**daily) as another:
        for each in (one, another):
            await until(lambda each=each: _has_said(each, "caught_up"), "both to catch up")
        _, caught_up = await _scheduled(database)
        (request,) = await generation_harness.ended(caught_up.id)

    assert (request.status, request.origin) == ("succeeded", "scheduled")
    assert len(await _scheduled(database)) == 2
    assert await count_factoids(database) == 1


async def test_a_slot_without_money_stays_empty_and_nothing_is_called(
    generation_harness, standin, database, worker
):
    often = {"FACTOID_SCHEDULE": "* * * * * */3", "BUDGET_SCHEDULED_USD": "0"}
    async with worker(**often) as running:
        await until(lambda: _has_said(running, "slot_skipped"), "a slot to pass")
        assert "Traceback" not in running.log

    assert await _scheduled(database) == []
    assert completions(await standin.log()) == []


async def test_the_schedule_by_hand_publishes_a_slot_once(standin, database, model):
    first = await _by_hand(standin, "publish_scheduled_factoid")
    second = await _by_hand(standin, "publish_scheduled_factoid")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "Published factoid" in first.stdout
    assert await count_factoids(database) == 1
    assert len(completions(await standin.log())) == 1


async def test_the_schedule_by_hand_says_why_it_failed_and_may_be_repeated(
    standin, database, model
):
    await standin.queue("401")

    done = await _by_hand(standin, "publish_scheduled_factoid")

    assert done.returncode == 1
    assert "No factoid: The site's access to language models is not set up right." in done.stderr
    assert await count_factoids(database) == 0

    again = await _by_hand(standin, "publish_scheduled_factoid")

    assert (again.returncode, await count_factoids(database)) == (0, 1), again.stderr


async def test_the_schedule_by_hand_needs_a_model(standin, database):
    await standin.set_models("500")

    done = await _by_hand(standin, "publish_scheduled_factoid")

    assert done.returncode == 1
    assert "Not done: No language model is available yet." in done.stderr


async def _by_hand(standin, job: str) -> subprocess.CompletedProcess[str]:
    return await run_command(
        job, OPENROUTER_BASE_URL=standin.base_url, MODELS_ALLOWED="openai/gpt-4o-mini"
    )


async def _scheduled(database) -> list[GenerationRequest]:
    async with database.sessions() as session:
        found = await session.scalars(
            select(GenerationRequest)
            .where(GenerationRequest.slot.is_not(None))
            .order_by(GenerationRequest.slot)
        )
        return list(found)


def _published_in(slot: datetime) -> GenerationRequest:
    return GenerationRequest(
        origin="scheduled",
        slot=slot,
        model="openai/gpt-4o-mini",
        model_pinned=False,
        prompt_version="1",
        quote_usd=0,
        status="succeeded",
        finished_at=slot,
        settled_at=slot,
    )


def _an_hour_ago() -> str:
    """Once a day, an hour ago: nothing becomes due while the test runs."""
    then = datetime.now(UTC) - timedelta(hours=1)
    return f"{then.minute} {then.hour} * * *"


async def _has_said(worker, words: str) -> bool:
    return words in worker.log
