"""The lock names every file by its hash, and no place to get it from."""

import pytest

from dev.lock import problems
from dev.state import ROOT

PROJECT = '[project]\nname = "it"\ndependencies = ["Some.Thing[extra]>=1.2,<2"]\n'
GOOD = "some-thing==1.4 ; python_version < '4' \\\n    --hash=sha256:00\n"


@pytest.mark.parametrize("name", ["requirements.lock", "dev/installer.lock"])
def test_the_committed_locks_are_sound(name: str):
    project = (ROOT / "pyproject.toml").read_text() if name == "requirements.lock" else PROJECT
    found = problems(project, (ROOT / name).read_text())

    assert [problem for problem in found if problem != "lacks Some.Thing"] == []


@pytest.mark.parametrize(
    ("lock", "problem"),
    [
        pytest.param(GOOD, None, id="a pinned and hashed requirement is right"),
        pytest.param(
            GOOD.replace("--hash=sha256:00", ""),
            "has no hash for some-thing",
            id="a requirement without hash",
        ),
        pytest.param(
            GOOD.replace("==1.4", ">=1.4"),
            "does not pin some-thing to one version",
            id="a requirement that is not pinned",
        ),
        pytest.param(
            GOOD.replace("1.4", "2.1"), "has some-thing 2.1, not <2,>=1.2", id="a wrong version"
        ),
        pytest.param("", "lacks Some.Thing", id="a missing requirement"),
        pytest.param(
            f"--index-url https://host.invalid/\n{GOOD}",
            "names an address: --index-url https://host.invalid/",
            id="an index",
        ),
        pytest.param(
            "some-thing @ https://host.invalid/a.whl \\\n    --hash=sha256:00\n",
            "names an address: https://host.invalid/a.whl",
            id="a requirement with an address",
        ),
    ],
)
def test_what_is_wrong_with_a_lock_is_named(lock: str, problem: str | None):
    found = problems(PROJECT, lock)

    assert found == [] if problem is None else problem in found
