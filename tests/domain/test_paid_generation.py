"""A factoid that a credit pays for: delivered, or the credit is back."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from domain.caller import Caller
from domain.errors import Invalid
from domain.generation import retry_policy
from domain.generation.input import GenerationInput, quote_usd
from domain.limits.rate_limit import GenerationLimit
from domain.llm.catalogue import NoModels, UnknownModel
from domain.model_runs.allowance import NoCredits
from domain.orphaned_holds import release_orphans
from domain.spending.budget import BudgetLimits, BudgetUsedUp
from tests.configuration import settings
from tests.credit_account import Account, differing
from tests.fixtures.generation import MODEL, bill, books, closed, completions, requests_with

DOWN = "[[scenario:402-credits]] honey"


@pytest.fixture
async def buyer(database) -> Account:
    """Somebody with three credits."""
    account = Account(database)
    await account.buy(3)
    return account


@pytest.fixture
def ask(generation_harness, buyer):
    """Ask for a factoid on a credit of the buyer's."""

    async def asked(topic: str | None = "honey", caller: Caller | None = None) -> UUID:
        caller = caller or Caller("visitor", buyer.owner, "192.0.2.0/24")
        inputs = GenerationInput(topic, MODEL, pay_with="credit")
        state = await generation_harness.requests.create(caller, inputs, origin="manual")
        assert state.credit == "held"
        return state.request.id

    return asked


async def test_a_credit_is_held_at_the_start_and_used_by_the_factoid(
    generation_harness, standin, database, buyer, ask
):
    request_id = await ask()
    held = await buyer.balance()

    request = await generation_harness.finish(request_id)

    factoid = await generation_harness.factoid(request)
    assert held == (2, 1, 0, 0)
    assert await buyer.balance() == (2, 0, 1, 0)
    assert await differing(database) == []
    assert (request.status, request.origin, factoid.origin) == ("succeeded", "paid", "paid")
    assert await books(database) == closed(bill(await standin.log()))
    assert await _pots(database) == {"global", "paid", f"paid:{buyer.owner}"}


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("[[scenario:refusal]] honey", "model_declined"),
        ("[[scenario:cut]] honey", "answer_broken"),
        ("[[scenario:422]] honey", "model_rejected_request"),
    ],
)
async def test_a_failure_gives_the_credit_back_and_says_so(
    generation_harness, standin, database, buyer, ask, topic, code
):
    request = await generation_harness.finish(await ask(topic))

    assert request.problem_code == code
    assert request.problem_detail.endswith("Your credit is back.")
    assert not request.allowance_returned
    assert await buyer.balance() == (3, 0, 0, 0)
    assert await differing(database) == []
    assert await books(database) == closed(bill(await standin.log()))


async def test_one_cancelled_in_the_queue_gives_the_credit_back(
    generation_harness, standin, database, buyer, ask
):
    request_id = await ask()
    caller = Caller("visitor", buyer.owner, "192.0.2.0/24")

    state = await generation_harness.requests.cancel(caller, request_id)

    assert (state.request.status, state.credit) == ("cancelled", "given_back")
    assert await buyer.balance() == (3, 0, 0, 0)
    assert completions(await standin.log()) == []
    assert await books(database) == closed(Decimal(0))


async def test_one_cancelled_while_it_is_written_gives_the_credit_back(
    generation_harness, standin, database, buyer, ask
):
    request_id = await ask("[[scenario:gated]] honey")
    work = asyncio.create_task(generation_harness.service.run(request_id))
    await standin.wait_at_gate()
    await generation_harness.requests.cancel(Caller("visitor", buyer.owner, None), request_id)
    await work

    request = await generation_harness.finish(request_id)

    assert (request.status, await buyer.balance()) == ("cancelled", (3, 0, 0, 0))
    assert await books(database) == closed(bill(await standin.log()))


async def test_free_limits_and_free_pots_that_are_used_up_are_not_in_its_way(
    generation_harness, database, redis, buyer, ask, model
):
    limits = replace(
        BudgetLimits.of(settings),
        visitors_usd=quote_usd(model),
        keys_usd=Decimal(0),
        visitor_usd=quote_usd(model),
    )
    generation_harness.requests = requests_with(database, redis, limits, generate_limits="1/86400")
    caller = Caller("visitor", buyer.owner, "192.0.2.0/24")
    await generation_harness.requests.create(caller, GenerationInput(model=MODEL), origin="manual")
    with pytest.raises(GenerationLimit):
        await generation_harness.requests.create(
            caller, GenerationInput(model=MODEL), origin="manual"
        )
    with pytest.raises(BudgetUsedUp):
        await generation_harness.ask()

    for _ in range(3):
        await ask()

    assert await buyer.balance() == (0, 3, 0, 0)


async def test_paid_work_leaves_the_free_pots_theirs_and_stops_at_its_own(
    generation_harness, database, redis, buyer, ask, model
):
    quote = quote_usd(model)
    limits = replace(
        BudgetLimits.of(settings),
        global_usd=2 * quote,
        visitors_usd=quote,
        paid_usd=quote,
    )
    generation_harness.requests = requests_with(database, redis, limits)
    await ask()
    with pytest.raises(BudgetUsedUp, match="Your credit was not used") as refusal:
        await ask()

    await generation_harness.ask()

    assert refusal.value.pot == "paid"
    assert await buyer.balance() == (2, 1, 0, 0)
    assert (await books(database)).over == 0


async def test_one_buyer_leaves_the_others_their_share_however_often_they_cancel(
    generation_harness, standin, database, redis, buyer, ask, model
):
    limits = replace(BudgetLimits.of(settings), buyer_usd=quote_usd(model))
    generation_harness.requests = requests_with(database, redis, limits)
    request_id = await ask("[[scenario:gated-headers]] honey")
    work = asyncio.create_task(generation_harness.service.run(request_id))
    await standin.wait_at_gate()
    await generation_harness.requests.cancel(Caller("visitor", buyer.owner, None), request_id)
    await work
    assert (await generation_harness.finish(request_id)).cost_usd == quote_usd(model)

    with pytest.raises(BudgetUsedUp, match="your credits can pay for in one day"):
        await ask()
    with pytest.raises(BudgetUsedUp):
        await ask(caller=Caller("key", uuid4(), None, account=buyer.owner))
    other = Account(database)
    await other.buy(1)
    await ask(caller=Caller("visitor", other.owner, None))

    assert await buyer.balance() == (3, 0, 0, 0)


async def test_without_a_credit_it_is_refused_and_nothing_is_written(
    generation_harness, database, ask
):
    with pytest.raises(NoCredits):
        await ask(caller=Caller("visitor", uuid4(), None))
    with pytest.raises(NoCredits):
        await ask(caller=Caller("key", uuid4(), None))

    assert await _count(database, "generation_requests") == 0
    assert await _count(database, "outbox") == 0
    assert await _count(database, "ledger_entries") == 0


async def test_an_api_key_draws_on_the_credits_of_who_made_it(generation_harness, buyer, ask):
    key = Caller("key", uuid4(), None, account=buyer.owner)

    request = await generation_harness.finish(await ask(caller=key))

    assert (request.status, request.caller_id) == ("succeeded", key.id)
    assert await buyer.balance() == (2, 0, 1, 0)


async def test_while_models_are_down_it_is_tried_again_and_delivered_when_they_are_back(
    generation_harness, standin, database, buyer, ask
):
    await standin.queue("402-credits")
    request_id = await ask()
    await generation_harness.service.run(request_id)

    waiting = await generation_harness.request(request_id)
    wait_s = await _wait_s(database)
    assert (waiting.status, waiting.lease_holder) == ("queued", None)
    assert retry_policy.DELAY_AT_LEAST_S - 2 < wait_s <= retry_policy.DELAY_AT_LEAST_S
    assert await buyer.balance() == (2, 1, 0, 0)

    await _asked_ago(database, request_id, 10)
    await generation_harness.service.run(request_id)

    assert (await generation_harness.request(request_id)).status == "succeeded"
    assert await buyer.balance() == (2, 0, 1, 0)
    log = await standin.log()
    assert len(completions(log)) == 2
    assert await books(database) == closed(bill(log))


async def test_it_waits_longer_the_longer_it_is_tried_and_at_most_to_the_end_of_the_hour(
    generation_harness, database, ask
):
    request_id, waits = await ask(DOWN), []
    for minutes in (4, 10, 59):
        await _asked_ago(database, request_id, minutes)
        await generation_harness.service.run(request_id)
        waits.append(round(await _wait_s(database)))

    assert waits == [pytest.approx(60, abs=2), pytest.approx(150, abs=2), pytest.approx(60, abs=2)]


async def test_after_an_hour_it_is_given_up_with_the_credit_back(
    generation_harness, database, buyer, ask
):
    request_id = await ask(DOWN)
    await generation_harness.service.run(request_id)
    await _asked_ago(database, request_id, 60)

    request = await generation_harness.finish(request_id)

    assert (request.status, request.problem_code) == ("failed", "out_of_credit")
    assert "for an hour" in request.problem_detail
    assert request.problem_detail.endswith("Your credit is back.")
    assert await buyer.balance() == (3, 0, 0, 0)
    assert await books(database) == closed(Decimal(0))


async def test_one_that_waits_can_be_cancelled_at_once(generation_harness, database, buyer, ask):
    request_id = await ask(DOWN)
    await generation_harness.service.run(request_id)

    state = await generation_harness.requests.cancel(
        Caller("visitor", buyer.owner, None), request_id
    )

    assert state.request.status == "cancelled"
    assert await buyer.balance() == (3, 0, 0, 0)
    assert await _count(database, "outbox") == 0


async def test_what_may_have_been_billed_is_not_asked_for_again(
    impatient_harness, standin, database, redis, buyer
):
    state = await impatient_harness.requests.create(
        Caller("visitor", buyer.owner, None),
        GenerationInput("[[scenario:hang-before-headers]] honey", MODEL, pay_with="credit"),
        origin="manual",
    )

    request = await impatient_harness.finish(state.request.id)

    assert (request.status, request.problem_code) == ("failed", "model_timeout")
    assert "for an hour" not in request.problem_detail
    assert len(completions(await standin.log())) == 1
    assert await buyer.balance() == (3, 0, 0, 0)


async def test_a_free_request_is_not_tried_again(generation_harness, standin):
    request = await generation_harness.finish(await generation_harness.ask(DOWN))

    assert request.problem_code == "out_of_credit"
    assert len(completions(await standin.log())) == 1


async def test_a_refund_while_it_is_written_takes_the_credit_only_if_it_comes_back(
    generation_harness, standin, database, ask, buyer
):
    async with database.sessions() as session:
        checkout_id = await session.scalar(text("SELECT checkout_id FROM credit_grants"))
    delivered, failed = await ask(), await ask("[[scenario:refusal]] bees")

    assert await buyer.revoke(checkout_id, 3) == 1
    await generation_harness.finish(delivered)
    await generation_harness.finish(failed)

    assert await buyer.balance() == (0, 0, 1, 2)
    assert await differing(database) == []


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
async def test_a_credit_still_held_for_what_is_over_is_found(database, ask, status):
    await ask()
    assert await differing(database) == []
    async with database.sessions.begin() as session:
        await session.execute(text(f"UPDATE generation_requests SET status = '{status}'"))

    assert len(await differing(database)) == 1


async def test_the_credit_of_a_request_deleted_by_hand_comes_back(database, buyer, ask):
    request_id = await ask()
    async with database.sessions.begin() as session:
        for statement in (
            f"DELETE FROM generation_requests WHERE id = '{request_id}'",
            "UPDATE budget_reservations SET created_at = now() - interval '1 hour'",
        ):
            await session.execute(text(statement))

    await release_orphans(database.sessions)

    assert await buyer.balance() == (3, 0, 0, 0)


async def test_it_is_begun_in_the_transaction_that_grants_the_credits(
    generation_harness, database, model
):
    account, checkout_id, request_id = Account(database), uuid4(), uuid4()
    async with database.sessions.begin() as session:
        await account.grant(session, 25, checkout_id)
        await generation_harness.requests.begin_on_credit(
            session, account.owner, GenerationInput("honey", MODEL), request_id=request_id
        )

    request = await generation_harness.finish(request_id)

    assert (request.status, request.caller_id) == ("succeeded", account.owner)
    assert await account.balance() == (24, 0, 1, 0)


@pytest.mark.parametrize(
    ("inputs", "refusal"),
    [
        pytest.param(GenerationInput("honey", MODEL), BudgetUsedUp, id="no money"),
        pytest.param(GenerationInput("honey", "gone/gone"), UnknownModel, id="no such model"),
        pytest.param(GenerationInput("x" * 200), Invalid, id="too long"),
    ],
)
async def test_one_that_cannot_be_begun_leaves_the_credits_granted(
    generation_harness, database, redis, inputs, refusal
):
    generation_harness.requests = requests_with(
        database, redis, replace(BudgetLimits.of(settings), paid_usd=Decimal(0))
    )
    account = Account(database)
    async with database.sessions.begin() as session:
        await account.grant(session, 25, uuid4())
        with pytest.raises(refusal):
            await generation_harness.requests.begin_on_credit(
                session, account.owner, inputs, request_id=uuid4()
            )

    assert await account.balance() == (25, 0, 0, 0)
    assert await _count(database, "generation_requests") == 0
    assert await _count(database, "outbox") == 0
    # For the owner, who is told that buyers had to wait.
    told = refusal is BudgetUsedUp
    assert await _count(database, "budget_pots WHERE refused_at IS NOT NULL") == told


async def test_one_without_any_model_or_credit_is_refused(database, redis, make):
    requests = requests_with(database, redis, BudgetLimits.of(settings))
    async with database.sessions.begin() as session:
        with pytest.raises(NoModels):
            await requests.begin_on_credit(session, uuid4(), GenerationInput(), request_id=uuid4())
    await make.model(MODEL)
    async with database.sessions.begin() as session:
        with pytest.raises(NoCredits):
            await requests.begin_on_credit(session, uuid4(), GenerationInput(), request_id=uuid4())


async def _asked_ago(database, request_id: UUID, minutes: int) -> None:
    """As if it had been asked for, and models asked, so long ago."""
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "UPDATE generation_requests"
                " SET created_at = now() - make_interval(mins => :minutes) WHERE id = :id"
            ),
            {"minutes": minutes, "id": request_id},
        )
        await session.execute(
            text("UPDATE model_calls SET called_at = now() - make_interval(mins => :minutes)"),
            {"minutes": minutes},
        )


async def _wait_s(database) -> float:
    """How long the one job that is written down still waits."""
    async with database.sessions() as session:
        wait_s = await session.scalar(text("SELECT extract(epoch FROM due_at - now()) FROM outbox"))
    return float(wait_s)


async def _count(database, table: str) -> int:
    async with database.sessions() as session:
        return (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def _pots(database) -> set[str]:
    async with database.sessions() as session:
        return set(await session.scalars(text("SELECT pot FROM budget_pots")))
