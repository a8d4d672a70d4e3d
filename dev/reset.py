"""`make reset`: remove this clone's data and built pages; what is installed stays."""

import shutil
import sys

from dev.binaries import OUTSIDE, postgres_data
from dev.console import CommandError, echo, fail
from dev.databases import Databases
from dev.lockfile import locked
from dev.state import ROOT, RUN_STATE, TEST_STATE
from dev.supervisor import Supervisor


def main() -> int:
    try:
        with locked(RUN_STATE) as memory, locked(TEST_STATE) as test_memory:
            for state, known in ((TEST_STATE, test_memory), (RUN_STATE, memory)):
                Supervisor(state, known).end_leftovers()
                Databases(state).end_leftovers()
            data = [postgres_data(state).parent for state in (TEST_STATE, RUN_STATE)]
            outside = [place for place in data if OUTSIDE in place.parents]
            for place in (*outside, RUN_STATE, ROOT / ".web", ROOT / ".states"):
                if place.exists():
                    shutil.rmtree(place)
                    echo(f"Removed {place}")
    except CommandError as problem:
        return fail(problem)
    echo("`make run` starts over.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
