"""What a message may cost at most is never less than what is held for it."""

from decimal import Decimal

from tests.fixtures.generation import MODEL

DEAR = {"prompt_usd": Decimal("0.0001"), "completion_usd": Decimal("0.0004")}


async def test_a_quote_counts_with_those_who_answer_when_a_model_fails(
    chat_harness, standin, make, database
):
    chat_id = await chat_harness.begin(model=None)
    await make.model("openai/gpt-5", **DEAR)
    quote = await chat_harness.quotes.quote(chat_harness.caller, chat_id)
    await standin.queue("503")

    chat = await chat_harness.say(chat_id, "bees? " * 300)

    failed, passed_over, *answered = chat.calls
    # The stand-in's other model refuses what a chat asks for, and the first is asked again.
    assert (failed.model, passed_over.model) == (MODEL, "openai/gpt-5")
    assert {call.model for call in answered} == {MODEL}
    assert chat.shown[-1].status == "done"
    assert quote.model == MODEL
    assert all(call.quote_usd <= quote.worst_case_usd for call in (failed, passed_over, *answered))


async def test_a_model_asked_for_answers_alone_and_is_quoted_alone(chat_harness, make):
    chat_id = await chat_harness.begin()
    before = await chat_harness.quotes.quote(chat_harness.caller, chat_id)
    await make.model("openai/gpt-5", **DEAR)

    assert await chat_harness.quotes.quote(chat_harness.caller, chat_id) == before
