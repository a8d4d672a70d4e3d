"""Real workers killed, and told to stop, in the middle of an answer."""

import pytest

from db.models.model_run import OPEN
from tests.fixtures.generation import bill, books, closed, completions
from tests.processes import running_worker, until


@pytest.fixture
def worker(standin):
    """Starts a worker that asks the stand-in."""
    return lambda: running_worker(
        OPENROUTER_BASE_URL=standin.base_url, MODELS_ALLOWED="openai/gpt-4o-mini"
    )


async def settled(chat_harness, *turn_ids):
    async def all_settled():
        turns = [await chat_harness.turn(one) for one in turn_ids]
        return turns if all(turn.settled_at for turn in turns) else None

    return await until(all_settled, "all turns to be settled", within_s=120, every_s=0.2)


async def test_what_a_killed_worker_wrote_stays_and_its_bill_is_settled(
    chat_harness, standin, database, worker
):
    chat_ids = {}
    turn_ids = {}
    async with worker() as killed:
        for point in ("gated:4", "gated-end", "gated-headers"):
            chat_ids[point] = await chat_harness.begin()
            asked = await chat_harness.send(chat_ids[point], f"[[scenario:{point}]] bees?")
            turn_ids[point] = asked.turn.id
        await standin.wait_at_gate(3)

        told = {}

        async def all_told():
            for point, turn_id in turn_ids.items():
                told[point] = ""
                for name, data in await chat_harness.told(turn_id):
                    if name == "token":
                        told[point] = told[point][: data["at"]] + data["text"]
            return len(told["gated-end"]) > len(told["gated:4"]) > 0

        await until(all_told, "all to be told")
        await killed.kill()
        waiting = await chat_harness.send(await chat_harness.begin(), "And wasps?")

    async with worker():
        turns = await settled(chat_harness, *turn_ids.values(), waiting.turn.id)

    assert [turn.status for turn in turns] == ["interrupted"] * 3 + ["done"]
    for point, chat_id in chat_ids.items():
        answer = (await chat_harness.chats.get(chat_harness.caller, chat_id)).shown[-1]
        assert answer.status == "interrupted"
        assert answer.text == told[point]
    assert told["gated:4"] != ""
    assert len(told["gated-end"]) > len(told["gated:4"])
    assert all(turn.allowance_returned for turn in turns[:3])
    log = await standin.log()
    # Nobody named the one that waits for its headers, so its worst case is booked.
    unnamed = (await chat_harness.calls(turn_ids["gated-headers"]))[-1]
    assert (unnamed.cost_source, unnamed.cost_usd) == ("quote", unnamed.quote_usd)
    assert sum(turn.cost_usd for turn in turns) == bill(log) + unnamed.cost_usd
    assert await books(database) == closed(bill(log) + unnamed.cost_usd)
    # No model was asked again for what may have been billed.
    assert len(completions(log)) == len(turn_ids) + len(await chat_harness.calls(waiting.turn.id))


async def test_a_worker_told_to_stop_finishes_the_answer_under_way(chat_harness, standin, worker):
    async with worker() as old:
        asked = await chat_harness.send(await chat_harness.begin(), "[[scenario:gated]] bees?")
        await standin.wait_at_gate()
        old.terminate()

        async with worker():
            later = await chat_harness.send(await chat_harness.begin(), "wasps?")
            await settled(chat_harness, later.turn.id)
            assert (await chat_harness.turn(asked.turn.id)).status in OPEN
            await standin.open()
            (finished,) = await settled(chat_harness, asked.turn.id)

        assert await old.process.wait() == 0
    assert finished.status == "done"
