"""Workers killed in the middle of paid work: in the end it is delivered or the credit is back."""

from contextlib import AsyncExitStack
from decimal import Decimal

from sqlalchemy import text

from domain.caller import Caller
from domain.generation.input import GenerationInput
from tests.credit_account import Account, differing
from tests.fixtures.generation import (
    MODEL,
    PATIENTLY,
    books,
    closed,
    completions,
    publishing_held,
    waiting_for_table,
    waiting_to_publish,
)
from tests.processes import running_worker, until

DELIVERED = ("succeeded", "used")
INTERRUPTED = ("failed", "given_back")


async def test_a_worker_killed_at_any_step_leaves_each_credit_used_or_given_back(
    generation_harness, standin, database
):
    account = Account(database)
    checkout_id = await account.buy(8)
    caller = Caller("visitor", account.owner, None)
    environment = {"OPENROUTER_BASE_URL": standin.base_url, "MODELS_ALLOWED": MODEL}

    async def ask(topic: str):
        inputs = GenerationInput(topic, MODEL, pay_with="credit")
        return (
            await generation_harness.requests.create(caller, inputs, origin="manual")
        ).request.id

    ids = {}
    async with running_worker(**environment) as killed, AsyncExitStack() as held:
        await held.enter_async_context(publishing_held(database))
        ids["answered"] = await ask("honey")
        for point in ("gated-headers", "gated", "gated-end"):
            ids[point] = await ask(f"[[scenario:{point}]] bees")
        await standin.wait_at_gate(3)
        await until(lambda: waiting_to_publish(database), "an answer that waits to be published")
        lock = await held.enter_async_context(database.engine.connect())
        await lock.execute(text(PATIENTLY))
        await lock.execute(text("LOCK TABLE model_calls IN SHARE MODE"))
        ids["taken"] = await ask("glaciers")
        await until(lambda: waiting_for_table(database, "INTO model_calls"), "a call to be made")
        killed.pause()
        ids["queued"] = await ask("bridges")
        refunded = await account.revoke(checkout_id, 8)
        await killed.kill()

    async with running_worker(**environment):
        requests = dict(zip(ids, await generation_harness.ended(*ids.values()), strict=True))

    states = [(await generation_harness.requests.get(caller, one)).credit for one in ids.values()]
    ended = [(one.status, credit) for one, credit in zip(requests.values(), states, strict=True)]
    assert dict(zip(ids, ended, strict=True)) == {
        "queued": DELIVERED,
        "taken": DELIVERED,
        "answered": DELIVERED,
        "gated-headers": INTERRUPTED,
        "gated": INTERRUPTED,
        "gated-end": INTERRUPTED,
    }
    # The money had gone back while all six were held: those that came back are gone too.
    assert refunded == 2
    assert await account.balance() == (0, 0, 3, 5)
    assert await differing(database) == []
    assert len(completions(await standin.log())) == len(ids)
    cost_usd = sum((one.cost_usd or Decimal(0) for one in requests.values()), Decimal(0))
    assert await books(database) == closed(cost_usd)


async def test_a_worker_tries_again_by_itself_once_models_are_back(
    generation_harness, standin, database
):
    account = Account(database)
    await account.buy(1)
    await standin.queue("402-credits")
    inputs = GenerationInput("honey", MODEL, pay_with="credit")
    caller = Caller("visitor", account.owner, None)

    async with running_worker(OPENROUTER_BASE_URL=standin.base_url, MODELS_ALLOWED=MODEL):
        state = await generation_harness.requests.create(caller, inputs, origin="manual")
        (request,) = await generation_harness.ended(state.request.id)

    assert request.status == "succeeded"
    assert len(completions(await standin.log())) == 2
    assert await account.balance() == (0, 0, 1, 0)
