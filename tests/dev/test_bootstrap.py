"""The first command on a new machine either works or says in one sentence what is missing."""

import subprocess
import sys
from pathlib import Path

from dev.state import ROOT


def test_an_old_python_is_one_sentence(tmp_path: Path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)

    told = make("install", f"PYTHON={old}")

    assert told.returncode != 0
    assert told.stderr.splitlines()[0].startswith(
        f"Python 3.11 or newer is needed, and {old} is Python 3.9.2"
    )


def test_no_python_is_one_sentence():
    told = make("install", "PYTHON=python-that-is-not-here")

    assert told.returncode != 0
    assert told.stderr.splitlines()[0].startswith("Python 3.11 or newer is needed")


def test_a_python_without_venv_is_one_sentence(tmp_path: Path):
    (tmp_path / "dev").mkdir()
    for name in ("requirements.lock", "dev/installer.lock"):
        (tmp_path / name).touch()
    without = "import sys; sys.modules['ensurepip'] = None; import dev.bootstrap as it; "

    told = subprocess.run(
        [sys.executable, "-c", f"{without} sys.exit(it.main())"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert told.stderr.strip().startswith("This Python comes without venv and pip")
    assert len(told.stderr.strip().splitlines()) == 1


def test_make_alone_lists_the_commands():
    told = make()

    assert told.returncode == 0
    for command in ("make run", "make test", "make reset"):
        assert command in told.stdout


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
