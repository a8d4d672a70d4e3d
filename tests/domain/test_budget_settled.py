"""However a model call goes, the ledger says in the end what the provider's bill says."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import text

from domain.caller import Caller
from domain.generation.input import quote_usd
from domain.spending.budget import BudgetLimits, BudgetUsedUp
from tests.configuration import settings
from tests.fixtures.generation import MODEL, bill, books, closed, completions, requests_with
from tests.proof import sample

DEAR = "anthropic/claude-haiku-4.5"
BILLS_ON = "google/gemini-2.5-flash-lite"
"""Of a provider that goes on working, and billing, when the client leaves."""


@pytest.fixture
def budget_of(generation_harness, database, redis):
    """Let all further requests draw on a budget of this size."""

    def allow(amount_usd: Decimal) -> None:
        limits = replace(BudgetLimits.of(settings), global_usd=amount_usd)
        generation_harness.requests = requests_with(database, redis, limits)

    return allow


@pytest.mark.parametrize("cost", ["cost-zero", "ok", "cost-x10", "cost-null", "usage-missing"])
async def test_whatever_it_costs_is_booked_and_the_rest_let_go(
    generation_harness, standin, database, budget_of, model, cost
):
    budget_of(quote_usd(model))

    request = await generation_harness.finish(
        await generation_harness.ask(f"[[scenario:{cost}]] honey")
    )

    log = await standin.log()
    assert await books(database) == closed(bill(log))
    assert request.cost_usd == bill(log) <= request.quote_usd


async def test_a_provider_that_charges_more_than_it_said_is_booked_truly_and_is_the_last(
    generation_harness, standin, database, budget_of, model
):
    budget_of(quote_usd(model))

    request = await generation_harness.finish(
        await generation_harness.ask("[[scenario:cost-x10:100]] honey")
    )

    charged = bill(await standin.log())
    assert request.cost_usd == charged > request.quote_usd
    assert await books(database) == replace(closed(charged), over=1)
    with pytest.raises(BudgetUsedUp):
        await generation_harness.ask("bees")


@pytest.mark.parametrize("model_id", [MODEL, BILLS_ON])
async def test_a_request_cancelled_at_any_piece_of_its_answer_is_booked_as_billed(
    generation_harness, standin, make, database, model_id
):
    if model_id == BILLS_ON:
        await make.model(BILLS_ON)
    whole = await generation_harness.finish(await generation_harness.ask("honey", model=model_id))
    ids = [
        await generation_harness.ask(f"[[scenario:gated:{pieces}]] honey", model=model_id)
        for pieces in sample(range(whole.completion_tokens), 12)
    ]
    work = [asyncio.create_task(generation_harness.service.run(request_id)) for request_id in ids]
    await standin.wait_at_gate(len(ids))

    for request_id in ids:
        request = await generation_harness.request(request_id)
        caller = Caller("visitor", request.caller_id, request.network)
        await generation_harness.requests.cancel(caller, request_id)
    await asyncio.gather(*work)
    requests = [await generation_harness.finish(request_id) for request_id in ids]

    log = await standin.log()
    assert len(ids) >= 12
    assert {one.status for one in requests} == {"cancelled"}
    assert len(completions(log)) == len(ids) + 1
    assert await books(database) == closed(bill(log))


async def test_an_answer_is_not_asked_for_again_without_the_money_for_it(
    generation_harness, standin, database, budget_of, model
):
    budget_of(quote_usd(model))
    await standin.queue("plain-prose")

    request = await generation_harness.finish(await generation_harness.ask("honey"))

    log = await standin.log()
    assert (request.status, request.problem_code) == ("failed", "budget_used_up")
    assert request.allowance_returned
    assert len(completions(log)) == 1
    assert await books(database) == closed(bill(log))


async def test_an_answer_is_asked_for_again_when_there_is_money_for_it(
    generation_harness, standin, database, budget_of, model
):
    budget_of(2 * quote_usd(model))
    await standin.queue("plain-prose", "duplicate")

    request = await generation_harness.finish(await generation_harness.ask("honey"))

    log = await standin.log()
    assert len(completions(log)) >= 2
    assert await books(database) == closed(bill(log))
    assert await _entries(database, request.id, "extend") > 0


async def test_a_dearer_model_is_not_asked_instead_without_the_money_for_it(
    generation_harness, standin, make, database, budget_of, model
):
    dear = await make.model(
        DEAR, prompt_usd=Decimal("0.000001"), completion_usd=Decimal("0.000005")
    )
    budget_of((quote_usd(model) + quote_usd(dear)) / 2)
    await standin.queue("503")
    request_id = None
    while request_id is None:
        try:
            request_id = await generation_harness.ask("honey", model=None)
        except BudgetUsedUp:
            continue

    request = await generation_harness.finish(request_id)

    assert (request.problem_code, request.cost_usd) == ("budget_used_up", 0)
    assert len(completions(await standin.log())) == 1
    assert await books(database) == closed(Decimal(0))


async def test_a_model_that_grew_dearer_meanwhile_is_not_asked(
    generation_harness, standin, database, budget_of, model
):
    budget_of(quote_usd(model))
    request_id = await generation_harness.ask("honey")
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE language_models SET prompt_usd = 2 * prompt_usd"))

    request = await generation_harness.finish(request_id)

    assert request.problem_code == "budget_used_up"
    assert completions(await standin.log()) == []
    assert await books(database) == closed(Decimal(0))


async def test_a_request_for_which_nothing_is_held_makes_no_call(
    generation_harness, standin, database
):
    request_id = await generation_harness.ask("honey")
    async with database.sessions.begin() as session:
        await session.execute(text("DELETE FROM budget_reservations"))

    request = await generation_harness.finish(request_id)

    assert request.problem_code == "budget_used_up"
    assert completions(await standin.log()) == []


async def test_a_request_cancelled_while_it_waits_lets_go_of_its_money(
    generation_harness, database
):
    request_id = await generation_harness.ask("honey")
    request = await generation_harness.request(request_id)

    await generation_harness.requests.cancel(
        Caller("visitor", request.caller_id, request.network), request_id
    )

    assert await books(database) == closed(Decimal(0))
    assert await _entries(database, request_id, "release") > 0


async def _entries(database, request_id, kind) -> int:
    async with database.sessions() as session:
        return await session.scalar(
            text("SELECT count(*) FROM ledger_entries WHERE request_id = :id AND kind = :kind"),
            {"id": request_id, "kind": kind},
        )
