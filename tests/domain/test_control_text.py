"""Control text of models: never read by anybody, however it is cut; code about it stays."""

import json

import pytest

from domain.llm.control_text import without_control_text
from tests.fixtures.generation import completions

SHOWN = "Bees dance."
CONTROL = {
    "think": f"<think>\nThe user wants bees. Let me see {{\n</think>\n\n{SHOWN}",
    "thinking": f"<thinking>Hm.</thinking>{SHOWN}",
    "upper case": f"<THINK>Hm.</THINK>\n{SHOWN}",
    "only the end of thoughts": f"The user wants bees.\n</think>\n\n{SHOWN}",
    "thoughts twice": f"<think>a</think>\n<think>b</think>\n{SHOWN}",
    "DeepSeek's calls": f"{SHOWN}<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>"
    'look\n```json\n{"query": "bees"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
    "<｜end▁of▁sentence｜>",
    "DeepSeek's newer calls": f'{SHOWN}<｜DSML｜function_calls>\n<｜DSML｜invoke name="look">\n'
    "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
    "Qwen's call": f'{SHOWN}<tool_call>\n{{"name": "look", "arguments": {{}}}}\n</tool_call>',
    "Llama's call": f'{SHOWN}<function=look>{{"query": "bees"}}</function>',
    "Llama's tag": f'{SHOWN}<|python_tag|>look.call(query="bees")',
    "Mistral's calls": f'{SHOWN}[TOOL_CALLS] [{{"name": "look"}}]',
    "marks of a template": f"<|im_start|>{SHOWN}<|im_end|></s>",
    "GPT-OSS' channels": "<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>"
    f"{SHOWN}",
    "Magistral's thoughts": f"[THINK]Hm.[/THINK]{SHOWN}",
    "Kimi's thoughts": f"◁think▷Hm.◁/think▷{SHOWN}",
    "Seed's thoughts": f"<seed:think>Hm.</seed:think>{SHOWN}",
    "Cohere's thoughts": f"<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>{SHOWN}"
    "<|END_RESPONSE|>",
    "Gemma's thoughts": f"<|channel>thought\nHm.<channel|>{SHOWN}<end_of_turn>",
    "Kimi's calls": f"{SHOWN}<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0"
    "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
    "Grok's call": f'{SHOWN}<xai:function_call name="look"><parameter name="query">bees'
    "</parameter></xai:function_call>",
    "MiniMax's call": f'{SHOWN}<minimax:tool_call>\n<invoke name="look">\n</invoke>\n'
    "</minimax:tool_call>",
    "Claude's call": f'{SHOWN}<invoke name="look">\n<parameter name="query">bees</parameter>\n'
    "</invoke>",
    "Granite's call": f'{SHOWN}<|tool_call|>[{{"name": "look"}}]',
    "Gemini's call": f'{SHOWN}\n```tool_code\nprint(look("bees"))\n```',
    "DeepSeek's results": f"{SHOWN}<｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>[]"
    "<｜tool▁output▁end｜><｜tool▁outputs▁end｜>",
    "a call without an end": f"{SHOWN}<tool_call>\n{{",
}
WORDS = {
    "code": "Use `<think>` for that.",
    "a block of code": "So:\n\n```\n<think>a</think>\n<tool_call>\n```\n\nDone.",
    "other code": "So:\n\n~~~\n<think>a</think>\n~~~\n\nor ``<invoke>`` or\n\n    <think>a</think>",
    "less than": "1 < 2 and 3 > 2, or a <b> c.",
    "citations": "Three [1], and two [2][3].",
    "a tag that is spoken of": "The tag <think> begins thoughts.",
}


@pytest.mark.parametrize("text", CONTROL.values(), ids=CONTROL)
async def test_no_control_text_is_told_in_a_chat(chat_harness, standin, text):
    await standin.say(text)
    asked = await chat_harness.send(await chat_harness.begin(), "Bees?")

    chat = await chat_harness.finish(asked)

    assert chat.shown[-1].text == SHOWN
    written = ""
    for name, data in await chat_harness.told(asked.turn.id):
        if name == "token":
            written = written[: data["at"]] + data["text"]
    assert written.strip() == SHOWN


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
async def test_words_and_code_are_told(chat_harness, standin, text):
    await standin.say(text)

    chat = await chat_harness.say(await chat_harness.begin(), "Bees?")

    assert chat.shown[-1].text == text


FACT = {"text": "Honey never spoils if it is kept dry.", "subject": "Honey"}


@pytest.mark.parametrize("text", CONTROL.values(), ids=CONTROL)
async def test_a_fact_among_control_text_is_not_paid_for_twice(generation_harness, standin, text):
    await standin.say(text.replace(SHOWN, json.dumps(FACT)))

    request = await generation_harness.finish(await generation_harness.ask("honey"))

    assert (await generation_harness.factoid(request)).text == FACT["text"]
    assert len(completions(await standin.log())) == 1


def test_thoughts_after_a_sentence_are_left_out():
    text = f"Let me see. <think>Hm.</think>{SHOWN}"

    assert without_control_text(text, whole=True) == f"Let me see. {SHOWN}"


@pytest.mark.parametrize("text", [*CONTROL.values(), *WORDS.values()])
def test_what_is_shown_of_a_growing_text_is_hardly_ever_withdrawn(text):
    """Only where the end of thoughts comes without their beginning."""
    whole, shown = without_control_text(text, whole=True), ""
    for end in range(len(text) + 1):
        part = without_control_text(text[:end], whole=False)
        assert part.startswith(shown) or text == CONTROL["only the end of thoughts"]
        shown = part
    assert whole.startswith(shown)


@pytest.mark.parametrize(
    "text",
    [
        "<think>" * 5_000,
        "<" * 40_000,
        "`" * 40_000,
        "[TOOL" * 8_000,
        "</think" * 5_000,
        ".<think>" * 5_000,
    ],
)
def test_a_hostile_text_is_read_in_one_go(text):
    without_control_text(text, whole=False)
