"""Asking for a fact and watching it being written, to its end, its cancellation or its refusal."""

import re
from typing import Any

import pytest
from playwright.async_api import expect
from sqlalchemy import select

from db.models import Factoid
from db.session import Database
from tests.e2e.browser import Visitor, Wire
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter


async def test_a_fact_is_watched_from_the_first_word_to_the_card(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.generate("Venus")
    await openrouter.wait_at_gate()
    await expect(visitor.stage).to_have_attribute("data-stage", "writing")
    await expect(visitor.draft).to_have_text(re.compile(r"\w+ \w+"))
    await expect(visitor.page.locator("#cancel")).to_be_visible()
    begun = await visitor.draft.inner_text()
    await openrouter.open()
    await expect(visitor.page.locator("#result")).to_contain_text("Factoid ready!")
    await expect(visitor.result).to_contain_text(begun)
    await expect(visitor.page.locator("#generate")).to_be_visible()
    await expect(visitor.page.locator("#topic")).to_have_value("Venus")
    # It is a card like all others.
    factoid_id = await visitor.result.get_attribute("data-factoid") or ""
    card = visitor.card(factoid_id, within="#result")
    await card.vote(1)
    await card.expect_votes(up=1, down=0, mine=1)
    await visitor.open(f"/f/{factoid_id}")
    await expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(begun)


async def test_each_stage_is_named_while_it_lasts(openrouter: RunningOpenRouter, visitor: Visitor):
    await visitor.open()
    await openrouter.queue("gated-headers", "gated:12")
    await visitor.generate()
    now = visitor.page.locator('#progress [aria-current="step"]')
    await openrouter.wait_at_gate()
    await expect(now).to_have_text("Thinking")
    await expect(visitor.stage).to_contain_text("Asking")
    await expect(visitor.page.locator("#progress .skeleton").first).to_be_visible()
    await openrouter.open()
    await expect(visitor.result).to_be_visible()
    await visitor.generate()
    await openrouter.wait_at_gate()
    await expect(now).to_have_text("Writing")
    await expect(visitor.page.locator("#progress .skeleton")).to_have_count(0)


async def test_topic_and_model_are_those_asked_for(openrouter: RunningOpenRouter, visitor: Visitor):
    await visitor.open()
    await visitor.page.locator("#options").click()
    await visitor.page.get_by_label("Model").select_option("openai/gpt-4.1-nano")
    await visitor.generate("ring systems of giant planets")
    await expect(visitor.result).to_be_visible()
    (asked,) = completions(await openrouter.log())
    assert asked["body"]["model"] == "openai/gpt-4.1-nano"
    assert "ring systems of giant planets" in str(asked["body"]["messages"])
    card = visitor.card(await visitor.result.get_attribute("data-factoid") or "", "#result")
    await card.open_details()
    for words in (
        r"Written byopenai/gpt-4\.1-nano",
        r"How it came about\s*a visitor asked for it",
        r"It cost[\d.]+ US cents",
        r"It took[\d.]+ seconds",
        r"\d+ pieces of words read, \d+ written",
    ):
        await expect(card.details).to_contain_text(re.compile(words))


async def test_models_say_what_they_cost_at_most(visitor: Visitor):
    await visitor.open()
    await visitor.page.locator("#options").click()
    options = await visitor.page.locator("#model option").all_inner_texts()
    assert options[0] == "Automatic selection"
    assert all(re.search(r"at most [\d.]+ US cents a fact$", one) for one in options[1:])
    assert len(options) == 3


async def test_a_reload_in_the_middle_goes_on_watching(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.generate("Saturn")
    await openrouter.wait_at_gate()
    await expect(visitor.draft).to_have_text(re.compile(r"\w+ \w+"))
    begun = await visitor.draft.inner_text()
    await visitor.reload()
    await expect(visitor.draft).to_contain_text(begun)
    await expect(visitor.page.locator("#progress")).to_contain_text("About: Saturn")
    await openrouter.open()
    await expect(visitor.result).to_contain_text(begun)
    assert len(completions(await openrouter.log())) == 1


async def test_it_is_watched_in_another_tab_and_after_coming_back(
    openrouter: RunningOpenRouter, make: Factories, visitor: Visitor
):
    factoid = await make.factoid()
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.generate("Saturn")
    await openrouter.wait_at_gate()
    tab = await visitor.open_tab()
    await expect(tab.draft).to_have_text(re.compile(r"\w+ \w+"))
    await visitor.card(factoid.id).locator.locator("time").click()
    await expect(visitor.card(factoid.id).details).to_be_visible()
    await visitor.page.get_by_role("link", name="All facts").click()
    await expect(visitor.draft).to_have_text(re.compile(r"\w+ \w+"))
    await openrouter.open()
    await expect(tab.result).to_be_visible()
    await expect(visitor.result).to_be_visible()


async def test_cancelling_ends_the_call_to_the_model_and_publishes_nothing(
    openrouter: RunningOpenRouter, database: Database, visitor: Visitor
):
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.generate("Saturn")
    await openrouter.wait_at_gate()
    await expect(visitor.draft).to_have_text(re.compile(r"\w+ \w+"))
    await visitor.page.locator("#cancel").click()
    log = await openrouter.wait_idle()
    (call,) = completions(log)
    assert call["client_closed_at_s"] is not None
    await expect(visitor.problem).to_contain_text("Stopped, as you wished")
    await expect(visitor.problem).to_contain_text("go again")
    await visitor.until_ended("cancelled")
    async with database.sessions() as session:
        assert not (await session.execute(select(Factoid))).all()
    await visitor.generate()
    await expect(visitor.problem).to_have_count(0)
    await expect(visitor.result).to_be_visible()


@pytest.mark.parametrize(
    "scenarios",
    [["403-moderation"], ["402-credits"], ["mid-stream-error"], ["empty", "empty"]],
    ids=lambda scenarios: scenarios[0],
)
async def test_what_went_wrong_is_said_in_words_with_what_to_do_next(
    openrouter: RunningOpenRouter, visitor: Visitor, scenarios: list[str]
):
    await visitor.open()
    await openrouter.queue(*scenarios)
    await visitor.generate("Saturn")
    await expect(visitor.problem.get_by_role("alert")).to_have_text(re.compile(r"\w+ \w+.*\."))
    words = await visitor.problem.inner_text()
    assert re.search("try|go again|goes? on|go on", words), words
    assert not re.search(r"[a-z]_[a-z]|\b[45]\d\d\b|Traceback|OpenRouter", words), words
    await visitor.problem.get_by_role("button", name="Put it away").click()
    await expect(visitor.problem).to_have_count(0)


async def test_old_news_is_called_old_news(openrouter: RunningOpenRouter, visitor: Visitor):
    await visitor.open()
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    await openrouter.queue("duplicate", "duplicate")
    await visitor.generate("Venus")
    await expect(visitor.problem).to_contain_text("old news")
    await expect(visitor.problem).to_contain_text("Try another topic")


async def test_a_topic_that_is_too_long_is_refused_before_any_model_is_asked(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open()
    await visitor.generate("planets " * 20)
    await expect(visitor.problem).to_contain_text("A topic has at most 120 characters")
    await expect(visitor.problem).to_contain_text("Change it and go again")
    assert completions(await openrouter.log()) == []


async def test_without_any_model_one_is_told_when_to_come_back(
    database: Database, visitor: Visitor
):
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM language_models")
    await visitor.open()
    await visitor.generate()
    await expect(visitor.problem).to_contain_text("All our overlords are out")
    await expect(visitor.page.locator("#countdown")).to_have_text(
        re.compile(r"Next one in (1:00|0:5\d)")
    )


async def test_pressing_twice_asks_once(openrouter: RunningOpenRouter, visitor: Visitor):
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.page.locator("#generate").dblclick()
    await openrouter.wait_at_gate()
    await expect(visitor.draft).to_have_text(re.compile(r"\w+"))
    await openrouter.open()
    await expect(visitor.result).to_be_visible()
    assert len(completions(await openrouter.log())) == 1


async def test_a_press_whose_answer_was_lost_is_the_same_press_when_it_is_repeated(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    wire = await Wire.of(visitor.page)
    await visitor.open()
    wire.hold()
    await visitor.generate("Venus")
    await visitor.until_ended("succeeded")
    wire.drop()
    await visitor.reload()
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    assert len(completions(await openrouter.log())) == 1
    # It was answered, so the next press is another one, once the page has been told.
    await visitor.page.wait_for_function("!sessionStorage.getItem('idempotency key')")
    await visitor.generate("Venus")
    await visitor.until_generations(2)
    assert len(completions(await openrouter.log())) == 2


def completions(log: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in log["requests"] if str(one["path"]).endswith("/chat/completions")]
