"""`make reset`: remove this clone's data and built pages; what is installed stays."""

import shutil
import sys

from dev.alone import alone
from dev.children import Children
from dev.console import Problem, fail, say
from dev.engines import OUTSIDE, postgres_data
from dev.services import Services
from dev.state import ROOT, RUN_STATE, TEST_STATE


def main() -> int:
    try:
        with alone(RUN_STATE) as memory, alone(TEST_STATE) as test_memory:
            for state, known in ((TEST_STATE, test_memory), (RUN_STATE, memory)):
                Children(state, known).end_leftovers()
                Services(state).end_leftovers()
            data = [postgres_data(state).parent for state in (TEST_STATE, RUN_STATE)]
            outside = [place for place in data if OUTSIDE in place.parents]
            for place in (*outside, RUN_STATE, ROOT / ".web", ROOT / ".states"):
                if place.exists():
                    shutil.rmtree(place)
                    say(f"Removed {place}")
    except Problem as problem:
        return fail(problem)
    say("`make run` starts over.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
