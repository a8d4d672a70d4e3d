"""The quote is a bound: no conversation, no answer and no price can make a call dearer."""

import json
from decimal import Decimal

import pytest

from db.models import LanguageModel
from domain.generation import prompt
from domain.generation.input import PROMPT_BYTES_AT_MOST, TOPIC_LENGTH, quote_usd
from domain.llm.catalogue import ANSWER_TOKENS, worst_case_usd
from tests.fixtures.generation import MODEL, bill, completions

LONGEST = {
    "words": "word " * 2_000,
    "emoji": "👩‍🚀" * 3_000,
    "quotes": '"' * 10_000,
    "brackets": "< " * 5_000,
    "accents": "e" + "\u0301" * 3_999,
    "lone halves": "\ud83d" * 10_000,
}


@pytest.mark.parametrize("text", LONGEST.values(), ids=LONGEST)
def test_the_longest_conversation_is_within_what_was_quoted(text):
    """A topic, two answers, a problem and a published fact, each as long as it can get."""
    first = prompt.messages(text.encode(errors="replace").decode()[:TOPIC_LENGTH], [])
    published = text.encode(errors="replace").decode()
    conversation = [
        *first,
        *prompt.repair(text, "wrong " * 1_000),
        *prompt.another(text, published),
    ]

    # The first messages are cut to half of it by the service, which takes facts away until then.
    room = PROMPT_BYTES_AT_MOST // 2
    assert prompt.size(conversation) - prompt.size(first) <= room
    assert prompt.size(first) <= room


async def test_a_call_is_held_to_its_quote(generation_harness, standin, model):
    request_id = await generation_harness.ask("honey")
    request = await generation_harness.finish(request_id)

    (call,) = completions(await standin.log())
    body = call["body"]
    sent = json.dumps([message["content"] for message in body["messages"]]).encode()
    assert body["max_completion_tokens"] == ANSWER_TOKENS
    assert body["provider"]["require_parameters"] is True
    assert body["provider"]["max_price"] == {"prompt": 0.15, "completion": 0.6, "request": 0}
    assert len(sent) <= PROMPT_BYTES_AT_MOST
    assert request.quote_usd == quote_usd(model) > bill(await standin.log()) > 0


async def test_a_price_for_the_request_itself_is_quoted_and_capped(
    make, generation_harness, standin
):
    model = await make.model(
        "perplexity/sonar",
        prompt_usd=Decimal("0.000001"),
        completion_usd=Decimal("0.000001"),
        request_usd=Decimal("0.005"),
        parameters=["max_tokens"],
    )
    request = await generation_harness.finish(
        await generation_harness.ask("honey", model="perplexity/sonar")
    )

    (call,) = completions(await standin.log())
    assert request.status == "succeeded"
    assert request.quote_usd == Decimal("0.005") + Decimal("0.0167") == quote_usd(model)
    assert call["body"]["provider"]["max_price"]["request"] == 0.005
    assert call["body"]["max_tokens"] == ANSWER_TOKENS
    assert request.cost_usd == bill(await standin.log()) > Decimal("0.005")


async def test_a_provider_dearer_than_quoted_is_not_asked(make, generation_harness, standin):
    await make.model("openai/gpt-4.1-nano", completion_usd=Decimal("0.0000001"))

    request = await generation_harness.finish(
        await generation_harness.ask("honey", model="openai/gpt-4.1-nano")
    )

    assert (request.status, request.cost_usd) == ("failed", 0)


def test_a_quote_is_never_rounded_down():
    price = Decimal("0.00000000000001")
    model = LanguageModel(id=MODEL, prompt_usd=price, completion_usd=price, request_usd=Decimal(0))
    assert worst_case_usd(model, 1) == Decimal("0.000000000008") >= 701 * price
