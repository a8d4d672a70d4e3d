"""What a model wrote becomes a clean draft, or is refused with words that let it mend it."""

import json
import unicodedata
from itertools import pairwise

import pytest

from domain.generation.answer import UnusableAnswer, read_answer, text_so_far
from domain.text import graphemes

GOOD = {
    "text": "Honey never spoils if it is kept dry.",
    "subject": "Honey",
    "emoji": "🍯",
    "category": "food",
}


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("{json}", id="plain"),
        pytest.param("```json\n{json}\n```", id="fenced"),
        pytest.param("Here you go:\n{json}\nEnjoy!", id="with words around it"),
        pytest.param("\ufeff  {json}", id="after a byte order mark"),
    ],
)
def test_json_is_found_in_an_answer(written):
    draft = read_answer(written.replace("{json}", json.dumps(GOOD)))

    assert (draft.text, draft.subject, draft.emoji, draft.category) == tuple(GOOD.values())


WHOLE = json.dumps(GOOD)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(f"{WHOLE}{WHOLE}", id="twice"),
        pytest.param(f'{WHOLE[:-1]}, "note": "and', id="cut in a later field"),
        pytest.param(WHOLE[:-1], id="without its end"),
        pytest.param(f"```json\n{WHOLE[:-1]},", id="cut within a fence"),
        pytest.param(f"{WHOLE[:-1]},\n}}", id="a comma too many"),
        pytest.param(json.dumps({"facts": [GOOD]}), id="in a list in an object"),
        pytest.param(json.dumps({"result": {"factoid": GOOD}}), id="deep in an object"),
        pytest.param(json.dumps([{"function": {"arguments": WHOLE}}]), id="as arguments of a call"),
        pytest.param(json.dumps(json.dumps(WHOLE)), id="encoded three times"),
        pytest.param(json.dumps(WHOLE)[1:-1], id="escaped"),
        pytest.param(json.dumps({k.upper(): v for k, v in GOOD.items()}), id="other letters"),
    ],
)
def test_a_fact_in_odd_json_is_read(written):
    draft = read_answer(written)

    assert (draft.text, draft.subject, draft.emoji, draft.category) == tuple(GOOD.values())


@pytest.mark.parametrize("written", [f'{{"text": "{GOOD["text"][:-9]}', "{" * 9_000, '["' * 9_000])
def test_a_text_that_was_cut_is_none(written):
    with pytest.raises(UnusableAnswer):
        read_answer(written)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param(
            "Cafe\u0301s\u202e sold\u202c \u2066coffee\u2069 in\u200b 1600.",
            "Cafés sold coffee in 1600.",
            id="without overrides",
        ),
        pytest.param(
            "One\x00 two\x1b[31m \x07three\x85four\u2028five.",
            "One two[31m three four five.",
            id="without controls",
        ),
        pytest.param(
            "Arabic\u061c marks\ufff9 and\u00ad tags\U000e0041 go.",
            "Arabic marks and tags go.",
            id="without other marks nobody sees",
        ),
        pytest.param(
            "  Line one\n\n line\t two.  ", "Line one line two.", id="in one line of single spaces"
        ),
        pytest.param(
            "Re\u200b\u0301sume\u200b\u0301s are read for six seconds.",
            "Résumés are read for six seconds.",
            id="composed after what hid between was taken out",
        ),
    ],
)
def test_a_text_is_cleaned(text, cleaned):
    draft = read_answer(json.dumps(GOOD | {"text": text}))

    assert draft.text == cleaned
    assert unicodedata.is_normalized("NFC", draft.text)


@pytest.mark.parametrize(
    "text",
    [
        "章鱼有三颗心脏，血是蓝色的。",
        "蜂蜜永远不会变质。",
        "タコの心臓は三つある。",
        "문어는 심장이 셋이다.",
        "ผึ้งจำหน้าคนได้",
        "शहद खराब नहीं होता।",
        "דבש לא מתקלקל",
        "Prof. Albert Einstein never learned to swim. He loved sailing. Capt. Cook did both.",
        "Really? Yes. Dr. J. R. Smith et al. weighed it. It was 3.5 kg.",
        "Capt. A. B. Sharp flew to St. Kilda at 3 p.m. in Oct. 1911. He was late.",
    ],
)
def test_a_text_that_says_enough_is_used(text):
    assert read_answer(json.dumps(GOOD | {"text": text})).text == text


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"text": "word " * 101 + "end"}, id="a text of 508 characters"),
        pytest.param({"text": "Too short."}, id="a text of hardly anything"),
        pytest.param({"text": "蜂蜜。"}, id="a text of hardly anything in Chinese"),
        pytest.param({"text": "<b>Honey</b> never spoils at all."}, id="markup"),
        pytest.param({"text": "Honey never spoils, see https://x.example."}, id="an address"),
        pytest.param({"text": "![x](y) Honey never spoils, they say."}, id="an image"),
        pytest.param({"text": "e" + "\u0301" * 4_001 + " is one very tall letter."}, id="a tower"),
        pytest.param({"text": "\ufdfa" * 400}, id="letters that grow when they are compared"),
        pytest.param({"text": "!!! ... ??? !!! ... ???"}, id="no word at all"),
        pytest.param({"subject": '"><b onmouseover=x>'}, id="a subject with markup"),
        pytest.param({"text": None}, id="no text"),
        pytest.param({"text": 42}, id="a number for a text"),
    ],
)
def test_anything_else_is_a_failed_answer(fields):
    with pytest.raises(UnusableAnswer):
        read_answer(json.dumps(GOOD | fields))


@pytest.mark.parametrize(
    ("fields", "mended"),
    [
        pytest.param({"subject": ""}, {"subject": "Honey never spoils if it is"}, id="no subject"),
        pytest.param({"subject": None}, {"subject": "Honey never spoils if it is"}, id="null"),
        pytest.param({"subject": ["Honey"]}, {"subject": "Honey never spoils if it is"}, id="list"),
        pytest.param({"subject": "s" * 256}, {"subject": "s" * 255}, id="a long subject"),
        pytest.param({"subject": "👩‍🚀" * 100}, {"subject": "👩‍🚀" * 85}, id="long in code points"),
        pytest.param({"emoji": "🍯🐝"}, {"emoji": "🍯"}, id="two emoji"),
        pytest.param({"emoji": "Bee: 🐝"}, {"emoji": "🐝"}, id="an emoji after words"),
        pytest.param({"emoji": "x"}, {"emoji": "🍯"}, id="a letter for an emoji"),
        pytest.param({"emoji": ""}, {"emoji": "🍯"}, id="no emoji"),
        pytest.param({"emoji": None}, {"emoji": "🍯"}, id="null for an emoji"),
        pytest.param({"emoji": "🐝" + "\u200d🐝" * 40}, {"emoji": "🍯"}, id="an endless emoji"),
        pytest.param({"category": "gossip"}, {"category": "culture"}, id="an unknown category"),
        pytest.param({"category": None}, {"category": "culture"}, id="no category"),
        pytest.param({"category": 7}, {"category": "culture"}, id="a number for a category"),
    ],
)
def test_what_is_wrong_beside_the_text_is_mended(fields, mended):
    text = "Honey never spoils if it is kept dry and sealed."
    draft = read_answer(json.dumps(GOOD | {"text": text, "category": "food"} | fields))

    assert draft.text == text
    assert {name: getattr(draft, name) for name in mended} == mended


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(WHOLE + WHOLE, id="twice"),
        pytest.param(f"{WHOLE}\n\n{WHOLE}\nI hope that helps {{reader}}!", id="twice, with words"),
        pytest.param(json.dumps(WHOLE), id="a text of JSON"),
        pytest.param(json.dumps({"name": "fact", "arguments": WHOLE}), id="a call as text"),
        pytest.param(json.dumps({"arguments": json.loads(WHOLE)}), id="a call as an object"),
        pytest.param(f"Let me write {{one}}. {WHOLE}", id="after words in braces"),
        pytest.param(f'{{"thought": "bees?"}} {WHOLE}', id="after another object"),
        pytest.param(f"```json\n{WHOLE}\n```\n\n```json\n{WHOLE}\n```", id="fenced twice"),
    ],
)
def test_an_answer_that_can_be_read_is_read(answer):
    assert read_answer(answer).text == GOOD["text"]


@pytest.mark.parametrize(
    "answer",
    ["", "no json", "{", "}{", "[1]", '{"text": ', "{" * 100_000, '{"a":' * 50_000 + "}" * 50_000],
)
def test_what_is_no_json_object_is_a_failed_answer(answer):
    with pytest.raises(UnusableAnswer):
        read_answer(answer)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("word " * 99 + "ends.", id="500 characters"),
        pytest.param("👩‍🚀" * 480 + " flew to space.", id="500 characters of many code points"),
        pytest.param("St. Helena is 1.9 km from nowhere. Mt. Fuji is not.", id="abbreviations"),
    ],
)
def test_what_a_reader_counts_as_short_enough_is(text):
    draft = read_answer(json.dumps(GOOD | {"text": text}))

    assert graphemes(draft.text) == graphemes(text) <= 500


@pytest.mark.parametrize("emoji", ["🍯", "👩‍🚀", "🇨🇭", "❤️", "❤", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_one_emoji_may_be_made_of_many_parts(emoji):
    draft = read_answer(json.dumps(GOOD | {"emoji": emoji}))

    assert graphemes(draft.emoji) == 1


def test_the_text_is_told_while_it_is_written():
    written = json.dumps(GOOD)

    told = [text_so_far(written[:length]) for length in range(len(written))]

    assert told[0] == ""
    assert told[-1] == GOOD["text"]
    assert all(later.startswith(earlier) for earlier, later in pairwise(told))
