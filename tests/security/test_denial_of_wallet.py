"""Requests made to be dear: refused before anything is held, written down or asked."""

import json
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tests.fixtures.generation import MODEL

TRACES = ("generation_requests", "model_calls", "budget_reservations", "ledger_entries", "outbox")
"""Where a request that may cost something leaves a row."""

TOO_LARGE, NO_JSON, NOT_AS_ASKED = 413, 400, 422


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


REFUSED = [
    pytest.param(body(topic="x" * 1_000_000), TOO_LARGE, id="a topic of 1 MB"),
    pytest.param(
        json.dumps({"topic": "e" + "\u0301" * 10**6}, ensure_ascii=False).encode(),
        TOO_LARGE,
        id="a million combining marks",
    ),
    pytest.param(
        json.dumps({"topic": "e" + "\u0301" * 30_000}, ensure_ascii=False).encode(),
        NOT_AS_ASKED,
        id="thirty thousand combining marks, in a body that is let in",
    ),
    pytest.param(body(topic="x" * 121), NOT_AS_ASKED, id="a topic a little too long"),
    pytest.param(body(topic="\U000e0041" * 1_001), NOT_AS_ASKED, id="a topic of hidden tags"),
    pytest.param(b'{"topic": "\\ud800"}', NOT_AS_ASKED, id="half a character"),
    pytest.param(body(model="openai/o1-pro"), NOT_AS_ASKED, id="a model outside the list"),
    pytest.param(body(model="x" * 201), NOT_AS_ASKED, id="an endless model"),
    pytest.param(body(model=f"{MODEL}:online"), NOT_AS_ASKED, id="a model with dear extras"),
    pytest.param(body(model=MODEL.upper()), NOT_AS_ASKED, id="a model in capitals"),
    pytest.param(body(model=[MODEL, "openai/o1-pro"]), NOT_AS_ASKED, id="a list of models"),
    pytest.param(body(models=["openai/o1-pro"]), NOT_AS_ASKED, id="models to fall back on"),
    pytest.param(body(max_tokens=10**9), NOT_AS_ASKED, id="a thousand million tokens"),
    pytest.param(body(max_completion_tokens=10**9), NOT_AS_ASKED, id="the same by another name"),
    pytest.param(body(n=1_000), NOT_AS_ASKED, id="a thousand answers"),
    pytest.param(body(provider={"max_price": {}}), NOT_AS_ASKED, id="another price"),
    pytest.param(body(messages=[]), NOT_AS_ASKED, id="another conversation"),
    pytest.param(b'{"temperature": NaN}', NO_JSON, id="a temperature of NaN"),
    pytest.param(b'{"temperature": Infinity}', NO_JSON, id="an endless temperature"),
    pytest.param(b'{"temperature": 1e308}', NOT_AS_ASKED, id="a temperature of 1e308"),
    pytest.param(b'{"temperature": 1e400}', None, id="a temperature beyond numbers"),
    pytest.param(b'{"temperature": -1}', NOT_AS_ASKED, id="a temperature of -1"),
    pytest.param(b'{"temperature": -1e-300}', NOT_AS_ASKED, id="a hair below zero"),
    pytest.param(b'{"temperature": 3}', NOT_AS_ASKED, id="a temperature of 3"),
    pytest.param(b'{"temperature": "1"}', NOT_AS_ASKED, id="a temperature in quotes"),
    pytest.param(b'{"temperature": true}', NOT_AS_ASKED, id="a temperature of true"),
    pytest.param(b'{"temperature": 1' + b"0" * 5_000 + b"}", None, id="five thousand digits"),
    pytest.param(b'{"topic": ' * 30_000, TOO_LARGE, id="JSON without a bottom"),
    pytest.param(b'{"topic": ' + b"[" * 60_000, None, id="lists without a bottom"),
]


@pytest.mark.parametrize(("content", "status"), REFUSED)
async def test_a_wish_made_to_be_dear_is_refused_before_any_spend(
    api, model, database, standin, content, status
):
    answer = await api.post(
        "/api/factoids/generate", content=content, headers={"content-type": "application/json"}
    )

    expected = {TOO_LARGE, NO_JSON, NOT_AS_ASKED} if status is None else {status}
    assert answer.status_code in expected
    assert answer.headers["content-type"] == "application/problem+json"
    await assert_nothing_is_spent(database, standin)


async def test_the_dearest_model_is_refused_when_no_pot_can_pay_it(api, make, database, standin):
    await make.model("a/gold", completion_usd=Decimal(1_000), prompt_usd=Decimal(1_000))

    answer = await api.post("/api/factoids/generate", json={"model": "a/gold"})

    assert (answer.status_code, answer.json()["code"]) == (402, "budget_used_up")
    await assert_nothing_is_spent(database, standin)


async def test_the_longest_topic_that_is_let_in_stays_within_its_quote(
    api, generation_harness, standin, make
):
    # Written as six bytes each, or in one character as many as fit of four bytes; and every text
    # shown beside it is as long as can be.
    longest = "<" * 119 + "e" + "\U0001e8d0" * 880
    for number in range(40):
        await make.factoid(f"{number} " + "🪐" * 3_900)

    request = await generation_harness.finish(await generation_harness.ask(longest))

    sent = (await standin.log())["requests"][0]["body"]
    assert request.status == "succeeded"
    assert sum(len(message["content"].encode()) for message in sent["messages"]) <= 16_000
    assert request.cost_usd <= request.quote_usd


async def assert_nothing_is_spent(database, standin) -> None:
    async with database.sessions() as session:
        rows = {
            table: (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in TRACES
        }
        held = "SELECT coalesce(sum(reserved_usd + spent_usd), 0) FROM budget_pots"
        assert (await session.execute(text(held))).scalar_one() == 0
    assert rows == dict.fromkeys(TRACES, 0)
    assert (await standin.log())["requests"] == []
