"""One worker with as many answers under way as a busy hour brings."""

from domain.llm.openrouter import Patience
from tests.fixtures.generation import bill, books, closed
from tests.processes import running_worker, until

CHATS = 110
"""More than httpx opens connections unless it is told to."""


async def test_one_worker_answers_a_hundred_chats_at_once(chat_harness, standin, database):
    asked = [
        await chat_harness.send(await chat_harness.begin(), "[[scenario:gated]] bees?")
        for _ in range(CHATS)
    ]
    async with running_worker(
        OPENROUTER_BASE_URL=standin.base_url, MODELS_ALLOWED="openai/gpt-4o-mini"
    ):
        await standin.wait_at_gate(CHATS)
        await standin.open()

        async def all_settled():
            turns = [await chat_harness.turn(one.turn.id) for one in asked]
            return turns if all(turn.settled_at for turn in turns) else None

        turns = await until(
            all_settled, "all to be settled", within_s=2 * Patience().total_s, every_s=0.5
        )

    assert {turn.status for turn in turns} == {"done"}
    assert await books(database) == closed(bill(await standin.log()))
