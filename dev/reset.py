"""`make reset`: remove this clone's data and built pages; what is installed stays."""

import shutil
import sys

from dev.binaries import OUTSIDE, postgres_data
from dev.console import CommandError, echo, fail
from dev.lockfile import locked
from dev.state import ROOT, RUN_STATE, TEST_STATE


def main() -> int:
    try:
        with locked(RUN_STATE), locked(TEST_STATE):
            data = [postgres_data(state).parent for state in (TEST_STATE, RUN_STATE)]
            outside = [folder for folder in data if OUTSIDE in folder.parents]
            for folder in (*outside, RUN_STATE, ROOT / ".web", ROOT / ".states"):
                if folder.exists():
                    shutil.rmtree(folder)
                    echo(f"Removed {folder}")
    except CommandError as error:
        return fail(error)
    echo("`make run` starts over.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
