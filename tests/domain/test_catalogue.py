"""Which models may be used: the allowed ones with a plain price, kept when OpenRouter is away."""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from db.repositories.generations import LanguageModelRepository
from domain.llm.catalogue import (
    CHOSEN_FROM,
    CatalogueService,
    NoModels,
    UnknownModel,
    read_catalogue,
)
from domain.llm.failures import ModelFailed, broken_answer

CHEAP = {"prompt": "0.0000001", "completion": "0.0000004"}
BOUNDED = {"supported_parameters": ["max_tokens"]}
ALL = ("*",)


def catalogue(*items: dict[str, Any]) -> bytes:
    return json.dumps({"data": items}).encode()


def item(model_id: str = "a/b", **values) -> dict[str, Any]:
    return {"id": model_id, "name": model_id, "pricing": CHEAP} | BOUNDED | values


def read(*items: dict[str, Any], allowed=ALL, ceiling="5") -> list[str]:
    rows = read_catalogue(
        catalogue(*items), allowed=allowed, ceiling_usd=Decimal(ceiling), today="2026-11-21"
    )
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"pricing": {"prompt": "-1", "completion": "-1"}}, id="a variable price"),
        pytest.param({"pricing": CHEAP | {"prompt": "-0.000001"}}, id="a negative prompt price"),
        pytest.param({"pricing": CHEAP | {"request": "-1"}}, id="a negative request price"),
        pytest.param({"pricing": {"prompt": "0.1"}}, id="no price for the answer"),
        pytest.param({"pricing": {}}, id="no price at all"),
        pytest.param({"pricing": {"prompt": "0", "completion": "0"}}, id="a free variant"),
        pytest.param({"pricing": CHEAP | {"prompt": "NaN"}}, id="a price that is no number"),
        pytest.param({"pricing": CHEAP | {"completion": "Infinity"}}, id="an infinite price"),
        pytest.param({"pricing": CHEAP | {"completion": None}}, id="a price of null"),
        pytest.param({"pricing": CHEAP | {"completion": "free"}}, id="a price in words"),
        pytest.param({"pricing": CHEAP | {"completion": "0.0000051"}}, id="a dear answer"),
        pytest.param({"pricing": CHEAP | {"prompt": "0.0000051"}}, id="a dear prompt"),
        pytest.param({"pricing": CHEAP | {"request": "0.0051"}}, id="a dear request"),
        pytest.param({"pricing": CHEAP | {"completion": "1e-20"}}, id="a price too small to keep"),
        pytest.param({"pricing": CHEAP | {"internal_reasoning": "1"}}, id="dear thoughts"),
        pytest.param({"supported_parameters": ["seed"]}, id="answers of any length"),
        pytest.param({"pricing": "cheap"}, id="no pricing"),
        pytest.param({"id": "~a/latest"}, id="an alias"),
        pytest.param({"id": "a/" + "b" * 300}, id="an endless name"),
        pytest.param({"architecture": {"output_modalities": ["image"]}}, id="no text"),
        pytest.param({"expiration_date": "2026-11-20"}, id="an expired one"),
        pytest.param({"id": 7}, id="a number for a name"),
    ],
)
def test_a_model_is_left_out_with(values):
    assert read(item() | values, item("a/good")) == ["a/good"]


def test_a_model_no_pattern_allows_is_left_out():
    models = [item("openai/x"), item("openrouter/auto"), item("anthropic/y")]

    assert read(*models, allowed=["openai/*", "anthropic/y"]) == ["anthropic/y", "openai/x"]


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b'{"data": 1}', b'{"error": {}}'])
def test_what_is_no_catalogue_is_a_failure(content):
    with pytest.raises(ModelFailed):
        read_catalogue(content, allowed=ALL, ceiling_usd=Decimal(5), today="2026-11-21")


def test_prices_are_exact_decimals():
    (row,) = read_catalogue(
        catalogue(item(pricing={"prompt": "0.00000015", "completion": "6e-7"})),
        allowed=ALL,
        ceiling_usd=Decimal(5),
        today="2026-11-21",
    )

    assert (row["prompt_usd"], row["completion_usd"]) == (
        Decimal("0.00000015"),
        Decimal("0.0000006"),
    )


async def test_what_the_stand_in_lists_is_kept_and_refreshed(database, generation_harness, standin):
    service = CatalogueService(database.sessions)

    found = await _refresh(service, generation_harness)

    models = await service.models()
    ids = {model.id for model in models}
    assert len(models) == found > 5
    assert ids.isdisjoint({"openrouter/auto", "openai/o1-pro", "~anthropic/claude-haiku-latest"})
    assert "google/gemini-1.5-flash-8b" not in ids
    assert all(model.completion_usd > 0 for model in models)

    await standin.set_models("odd-prices")
    assert await _refresh(service, generation_harness) < found


@pytest.mark.parametrize("mode", ["500", "empty", "hang"])
async def test_the_kept_list_is_served_while_openrouter_is_down(
    database, generation_harness, impatient_harness, standin, mode
):
    service = CatalogueService(database.sessions)
    await _refresh(service, generation_harness)
    before = {model.id: model.fetched_at for model in await service.models()}
    await standin.set_models(mode)

    with pytest.raises(ModelFailed):
        await _refresh(service, impatient_harness)

    assert {model.id: model.fetched_at for model in await service.models()} == before


async def test_without_a_wish_one_of_the_cheap_is_chosen_the_cheaper_the_likelier(database, make):
    for number in range(1, 13):
        await make.model(f"a/model-{number:02}", completion_usd=Decimal(number) / 1_000_000)
    service = CatalogueService(database.sessions)

    chosen = Counter([(await service.choose(None)).id for _ in range(300)])

    assert set(chosen) <= {f"a/model-{number:02}" for number in range(1, CHOSEN_FROM + 1)}
    assert chosen["a/model-01"] > chosen["a/model-08"]


async def test_a_price_per_request_makes_a_model_dear(database, make):
    for number in range(CHOSEN_FROM):
        await make.model(f"a/model-{number}")
    await make.model(
        "a/per-request", completion_usd=Decimal("0.0000001"), request_usd=Decimal("0.005")
    )

    chosen = {(await CatalogueService(database.sessions).choose(None)).id for _ in range(100)}

    assert "a/per-request" not in chosen


async def test_a_model_that_fails_three_times_rests(database, make):
    await make.model("a/failing")
    await make.model("a/healthy", completion_usd=Decimal("0.000004"))
    service = CatalogueService(database.sessions)
    for _ in range(3):
        await service.note("a/failing", broken_answer("It broke."))

    assert {(await service.choose(None)).id for _ in range(30)} == {"a/healthy"}

    await service.note("a/failing", None)
    assert "a/failing" in {(await service.choose(None)).id for _ in range(60)}


async def test_a_refresh_keeps_what_is_known_of_a_models_health(database, generation_harness, make):
    service = CatalogueService(database.sessions)
    await service.note("openai/gpt-4o-mini", broken_answer("It broke."))

    await _refresh(service, generation_harness)

    async with database.sessions() as session:
        model = await LanguageModelRepository(session).get("openai/gpt-4o-mini")
    assert model
    assert model.failures == 1
    assert model.fetched_at.date() == datetime.now(UTC).date()


async def test_only_a_model_of_the_list_can_be_asked_for(database, model):
    service = CatalogueService(database.sessions)

    assert (await service.choose(model.id)).id == model.id
    with pytest.raises(UnknownModel):
        await service.choose("openai/o1-pro")


async def test_without_any_model_one_is_told_to_come_back(database):
    with pytest.raises(NoModels):
        await CatalogueService(database.sessions).choose(None)


async def _refresh(service, generation_harness) -> int:
    allowed = ("openai/*", "anthropic/*", "google/*", "mistralai/*", "meta-llama/*", "~*")
    return await service.refresh(
        generation_harness.openrouter, allowed=allowed, ceiling_usd=Decimal(5)
    )
