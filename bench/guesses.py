"""`python -m bench.guesses`: whether the time a wrong API key takes tells how much of it is right.

Guesses share more or less of a true key's secret, and their checksums are right. The correlation
of what they share with how long they take should be nothing.
"""

import argparse
import random
import sys
import time
from statistics import correlation, median, quantiles
from uuid import uuid4

from domain.accounts.keys import (
    DIGITS,
    ID_LENGTH,
    PREFIX,
    SECRET_LENGTH,
    KeyTokens,
    checksum,
    id_in,
)

SECRET_AT = len(PREFIX) + ID_LENGTH


def guess(token: str, shared: int, chance: random.Random) -> str:
    """A key with so many of the secret's letters right."""
    right = token[SECRET_AT : SECRET_AT + shared]
    wrong = "".join(chance.choices(DIGITS, k=SECRET_LENGTH - shared))
    body = token[:SECRET_AT] + right + wrong
    return body + checksum(body)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.guesses", description=__doc__)
    parser.add_argument("--guesses", type=int, default=100_000)
    asked = parser.parse_args()
    chance, tokens = random.Random(), KeyTokens("secret")
    token = tokens.make(uuid4())
    stored = tokens.hash(token)
    shared = [chance.randrange(SECRET_LENGTH - 8) for _ in range(asked.guesses)]
    written = [guess(token, one, chance) for one in shared]
    took_ns: list[int] = []
    for one in written:
        began = time.perf_counter_ns()
        found = id_in(one) is not None and tokens.matches(one, [stored])
        took_ns.append(time.perf_counter_ns() - began)
        assert not found
    # Whatever else the machine did meanwhile is no answer's time.
    slowest = quantiles(took_ns, n=100)[94]
    kept = [(a, b) for a, b in zip(shared, took_ns, strict=True) if b <= slowest]
    r = correlation([a for a, _ in kept], [b for _, b in kept])
    print(f"{asked.guesses:,} guesses, median {median(took_ns) / 1_000:.1f} µs, r = {r:+.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
