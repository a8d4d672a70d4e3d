"""The written facts, and which one comes next."""

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

FACTS_PATH = Path(__file__).parents[1] / "facts.json"

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_IGNORED = {"about", "and", "any", "fact", "factoid", "for", "from", "tell", "the", "with"}


@dataclass(frozen=True)
class Fact:
    """One fact in the four fields the product asks a model for."""

    text: str
    subject: str
    emoji: str
    category: str


def letters(text: str) -> str:
    """Only the letters and digits of a text, also of one that is JSON inside JSON."""
    unescaped = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\\n", " ")
    return "".join(re.findall(r"[^\W_]+", unescaped.casefold()))


def words(text: str) -> set[str]:
    found = re.findall(r"[^\W_]{3,}", text.casefold())
    return {word.removesuffix("s") for word in found if word not in _IGNORED}


def load_facts(path: Path) -> list[Fact]:
    """The facts of a file, none when there is no such file."""
    if not path.exists():
        return []
    keys = ("text", "subject", "emoji", "category")
    return [Fact(*(fact[key] for key in keys)) for fact in json.loads(path.read_text("utf-8"))]


class Facts:
    """The facts in one random order, each given once before any is given again."""

    def __init__(self, facts: list[Fact], seed: int | None = None) -> None:
        self._facts = random.Random(seed).sample(facts, len(facts))
        self._letters = {fact: letters(fact.text) for fact in self._facts}
        self._used = set[Fact]()
        self.previous: Fact | None = None
        """What was answered last, in the words it was answered in."""

    def __len__(self) -> int:
        return len(self._facts)

    def choose(self, topic: str | None, prompt: str) -> Fact:
        """The unused fact nearest to the topic that the prompt does not hold already."""
        known = letters(prompt)
        new = [fact for fact in self._facts if self._letters[fact] not in known] or self._facts
        left = [fact for fact in new if fact not in self._used]
        if not left:
            self._used.clear()
            left = new
        wanted = words(topic or "")
        chosen = max(left, key=lambda fact: _nearness(fact, wanted))
        self._used.add(chosen)
        return chosen

    def held_by(self, prompt: str) -> Fact | None:
        """A fact of ours that the prompt holds."""
        known = letters(prompt)
        return next((fact for fact in self._facts if self._letters[fact] in known), None)

    def forget(self) -> None:
        self._used.clear()
        self.previous = None


def _nearness(fact: Fact, wanted: set[str]) -> int:
    return (
        4 * len(wanted & words(fact.subject))
        + 2 * len(wanted & words(fact.category))
        + len(wanted & words(fact.text))
    )
