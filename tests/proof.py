"""How much of a long proof a run makes: a short form in `make test`, the whole in `make proof`."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

WHOLE = bool(os.environ.get("PROOF"))
SEED = 20261201

T = TypeVar("T")


def at_length(short: int, *, whole: int) -> int:
    """How often to do it, or how many there are of it."""
    return whole if WHOLE else short


def sample(all_: Sequence[T], short: int) -> list[T]:
    """So many of them, in their order and the same in each run; all in `make proof`."""
    if WHOLE or len(all_) <= short:
        return list(all_)
    chosen = sorted(random.Random(SEED).sample(range(len(all_)), short))
    return [all_[place] for place in chosen]
