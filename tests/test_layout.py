"""The top-level names are ours alone."""

import sys
from importlib.metadata import packages_distributions

OURS = {"api", "bench", "db", "dev", "domain", "jobs", "rxconfig", "serve", "settings", "web"}


def test_no_dependency_ships_a_package_of_our_names():
    # Tools differ in whether our folder comes first, so the wrong one would be found by some.
    taken = OURS & (set(packages_distributions()) | sys.stdlib_module_names)

    assert not {name: packages_distributions().get(name) for name in taken}
