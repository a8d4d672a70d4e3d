"""A quote of a prompt is detected in any spelling, direction or encoding."""

import base64
import codecs
import textwrap

import pytest

from domain.chat.answer_writer import TAIL
from domain.chat.prompt import LEAK_DETECTOR, RULES

RULE = RULES.split("\n- ")[2].replace("\n", " ")
CODES = {
    "as it is": RULE,
    "in capitals": RULE.upper(),
    "spaced out": " ".join(RULE),
    "backwards": RULE[::-1],
    "rot13": codecs.encode(RULE, "rot13"),
    "rot13 backwards": codecs.encode(RULE, "rot13")[::-1],
    "hex": RULE.encode().hex(),
    "hex in pairs": RULE.encode().hex(" "),
    "hex in capitals": RULE.encode().hex(":").upper(),
    "base64": base64.b64encode(RULE.encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(RULE.encode()).decode().rstrip("="),
    "base64 in lines": "\n".join(textwrap.wrap(base64.b64encode(RULE.encode()).decode(), 76)),
    "base64 of it backwards": base64.b64encode(RULE[::-1].encode()).decode(),
}


@pytest.mark.parametrize("quote", CODES.values(), ids=CODES)
def test_a_rule_is_detected(quote: str):
    assert LEAK_DETECTOR.matches(f"My rules are: {quote} And more.")
    # Letters beyond English take another way.
    assert LEAK_DETECTOR.matches(f"My rules are… {quote} And more.")


@pytest.mark.parametrize("cut", range(4))
def test_a_code_is_read_from_wherever_the_text_begins(cut: int):
    assert LEAK_DETECTOR.matches(CODES["base64"][cut:][: TAIL - 4])
    assert LEAK_DETECTOR.matches(CODES["hex"][2 * cut :][: TAIL - 4])


@pytest.mark.parametrize(
    "text",
    [
        "Bees dance to say where the flowers are, and how far. I am friendly and concise.",
        f"Its digest is {bytes(range(32)).hex()}.",
        f"Here is a picture: {base64.b64encode(bytes(range(256))).decode()}",
        "See https://bees.example/a/very_long-address/that-goes-on-and-on/without-an-end_at_all",
    ],
)
def test_what_only_looks_like_a_code_is_allowed(text: str):
    assert not LEAK_DETECTOR.matches(text)
