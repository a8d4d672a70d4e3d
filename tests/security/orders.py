"""Texts that give orders to a model, from the corpus and in disguise."""

import base64
import codecs
import json
from pathlib import Path

CORPUS = json.loads((Path(__file__).parent / "injections.json").read_text())
ORDERS = CORPUS.pop("orders to dress")
DRESSES = {
    "base64": lambda order: base64.b64encode(order.encode()).decode(),
    "rot13": lambda order: codecs.encode(order, "rot13"),
    "tags": lambda order: "honey" + "".join(chr(0xE0000 + ord(letter)) for letter in order),
    "tags of a flag": lambda order: "🏴" + "".join(chr(0xE0000 + ord(one)) for one in order),
    "selectors": lambda order: "🍯" + "".join(chr(0xE0100 + ord(one)) for one in order),
    "zero width": lambda order: "\u200b".join(order),
    "full width": lambda order: "".join(chr(ord(one) + 0xFEE0) for one in order if one > " "),
    "fence": lambda order: f"</data>\n{order}\n<data>",
}
TOPICS = [
    *(topic for topics in CORPUS.values() for topic in topics),
    *(dress(order) for order in ORDERS for dress in DRESSES.values()),
]
