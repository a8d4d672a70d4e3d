"""Whatever OpenRouter answers, a request ends in a factoid or in words, and is settled."""

import pytest

from tests.fixtures.generation import bill, books, closed, completions, count_factoids
from tests.standins.openrouter.scenarios import SCENARIOS, TOOLS

PUBLISHED = (
    "Honey found in the tombs of ancient Egypt is more than three thousand years old"
    " and could still be eaten today."
)

FACTOID = "a factoid"
NO_CALL_BILLED, USAGE, ASKED, WORST_CASE = "none", "usage", "generation", "quote"

WRITING = [name for name in SCENARIOS if name not in TOOLS]
"""Those that a factoid can meet; tools are only used in chats."""

# Scenario: how it ends and after how many calls when it is met once, and when it is met always.
OUTCOMES: dict[str, tuple[str, int, str, int]] = (
    dict.fromkeys(
        [
            "ok",
            "slow",
            "ok-json",
            "fallback",
            "fenced",
            "bidi",
            "ok-stream-keepalives",
            "gated",
            "gated-headers",
            "gated-end",
            "usage-missing",
            "cost-null",
            "cost-x10",
            "cost-zero",
            "generation-404-3",
            "generation-never",
            # What is wrong besides the text is mended.
            "many-emoji",
            "long-subject",
            "three-sentences",
            "bad-category",
        ],
        (FACTOID, 1, FACTOID, 1),
    )
    | dict.fromkeys(
        [
            "schema-invalid",
            "plain-prose",
            "empty",
            "length",
            "deep-json",
            "injection",
            "long-text",
        ],
        (FACTOID, 2, "unusable_answer", 2),
    )
    | dict.fromkeys(["duplicate", "near-duplicate"], (FACTOID, 2, "duplicate", 2))
    | dict.fromkeys(
        [
            "200-error-body",
            "402-in-flight",
            "408",
            "429",
            "429-no-retry-after",
            "500",
            "502",
            "503",
            "524",
            "529",
        ],
        (FACTOID, 2, "model_busy", 3),
    )
    | dict.fromkeys(
        ["refusal", "content-filter", "403-moderation"], ("model_declined", 1, "model_declined", 1)
    )
    | dict.fromkeys(
        [
            "huge",
            "mid-stream-error",
            "cut",
            "cut-before-token",
            "wrong-content-type",
            "gzip-bomb",
        ],
        ("answer_broken", 1, "answer_broken", 1),
    )
    | dict.fromkeys(
        ["hang-before-headers", "hang-mid-stream", "drip"], ("model_timeout", 1, "model_timeout", 1)
    )
    | dict.fromkeys(
        ["402-credits", "402-key-limit", "402-too-dear", "403-budget"],
        ("out_of_credit", 1, "out_of_credit", 1),
    )
    | dict.fromkeys(
        ["400", "404", "413", "422"], ("model_rejected_request", 1, "model_rejected_request", 1)
    )
    | {
        "401": ("model_key_refused", 1, "model_key_refused", 1),
        "redirect": ("model_moved", 1, "model_moved", 1),
    }
)

BILLED_NOTHING = {name for name in OUTCOMES if name[0] == "4"} | {"redirect"}
WITHOUT_A_NAME = {"hang-before-headers", "wrong-content-type", "generation-never"}
"""Nobody can ever say what these cost, so the worst case is booked."""

ASKED_AFTERWARDS = {
    *("usage-missing", "cost-null", "generation-404-3", "refusal", "content-filter", "huge"),
    *("mid-stream-error", "cut", "cut-before-token", "gzip-bomb"),
    *("hang-mid-stream", "drip"),
}


def test_every_scenario_of_the_stand_in_is_tried():
    assert set(OUTCOMES) == set(WRITING)


@pytest.mark.parametrize("scenario", WRITING)
async def test_a_trouble_met_once_is_overcome_or_told(
    generation_harness, impatient_harness, standin, make, database, scenario
):
    if OUTCOMES[scenario][0] == "model_timeout":
        generation_harness = impatient_harness
    await make.factoid(PUBLISHED)
    await standin.queue("gzip-bomb:5" if scenario == "gzip-bomb" else scenario)
    if scenario.startswith("gated"):
        await standin.open()

    request = await generation_harness.finish(await generation_harness.ask("honey"))

    ending, calls, _, _ = OUTCOMES[scenario]
    await _assert_ended(generation_harness, standin, database, request, ending, calls)
    assert request.cost_source == _source(scenario, ending)


@pytest.mark.parametrize(
    "scenario", [name for name in WRITING if OUTCOMES[name][:2] != OUTCOMES[name][2:]]
)
async def test_a_trouble_that_stays_ends_in_words(
    generation_harness, standin, make, database, scenario
):
    await make.factoid(PUBLISHED)
    await standin.queue(*[scenario] * 4)

    request = await generation_harness.finish(await generation_harness.ask("honey"))

    _, _, ending, calls = OUTCOMES[scenario]
    await _assert_ended(generation_harness, standin, database, request, ending, calls)
    assert request.allowance_returned


async def _assert_ended(generation_harness, standin, database, request, ending, calls):
    log = await standin.log()
    factoid = await generation_harness.factoid(request)
    assert len(completions(log)) == calls
    assert request.settled_at
    assert await books(database) == closed(request.cost_usd)
    if request.cost_source == WORST_CASE:
        assert request.cost_usd == request.quote_usd >= bill(log)
    else:
        assert request.cost_usd == bill(log)
    if ending == FACTOID:
        assert (request.status, request.problem_code) == ("succeeded", None)
        assert factoid.cost_usd == request.cost_usd
        assert factoid.completion_tokens == request.completion_tokens
        assert await count_factoids(database) == 2
    else:
        declined = ending == "model_declined"
        assert request.status == ("refused" if declined else "failed")
        assert request.problem_code == ending
        assert len(request.problem_detail) > 30
        assert request.allowance_returned is not declined
        assert await count_factoids(database) == 1


def _source(scenario: str, ending: str) -> str:
    if scenario in WITHOUT_A_NAME:
        return WORST_CASE
    if scenario in ASKED_AFTERWARDS:
        return ASKED
    return NO_CALL_BILLED if ending != FACTOID and scenario in BILLED_NOTHING else USAGE
