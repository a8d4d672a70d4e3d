"""State folders of their own, so that these tests never meet a `make run` of the same clone."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from dev.binaries import OUTSIDE, postgres_data
from dev.processes import MARK, until
from dev.state import ROOT

DEVELOPERS_OWN = (
    *("DATABASE_URL", "REDIS_URL", "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "PORT"),
    *("PAYMENTS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_URL"),
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """An empty state folder whose path has a space in it."""
    with _folder(tmp_path / "a clone" / ".dev") as folder:
        yield folder


@pytest.fixture
def other_state(tmp_path: Path) -> Iterator[Path]:
    """The state folder of somebody else."""
    with _folder(tmp_path / "another clone" / ".dev") as folder:
        yield folder


@contextmanager
def _folder(folder: Path) -> Generator[Path]:
    folder.mkdir(parents=True)
    yield folder
    outside = postgres_data(folder).parent
    if OUTSIDE in outside.parents:
        shutil.rmtree(outside, ignore_errors=True)


class Launched:
    """A program under test, with all it has printed so far."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.said = ""
        self.popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        with self.popen.stdout as output:
            for line in output:
                self.said += line

    def waits_until(self, condition: Callable[[], bool]) -> bool:
        """Whether the condition came true before the program ended or time was up."""
        until(lambda: condition() or self.popen.poll() is not None, within_s=300)
        return condition()

    def ended(self) -> int:
        code = self.popen.wait(timeout=300)
        self._reader.join(timeout=10)
        return code

    def end(self) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(timeout=60)
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        self._reader.join(timeout=10)


@pytest.fixture
def launch(state: Path) -> Iterator[Callable[..., Launched]]:
    """Start `python -m <module>` of dev/ on the state folder, with these variables and no other."""
    started: list[Launched] = []

    def start(module: str, **variables: str) -> Launched:
        environment = {name: value for name, value in os.environ.items() if name != "MAKELEVEL"}
        environment.update(dict.fromkeys(DEVELOPERS_OWN, ""), ENVIRONMENT="development")
        environment.update(variables, DEV_STATE=str(state))
        started.append(Launched([sys.executable, "-m", module], environment))
        return started[-1]

    yield start
    for program in started:
        program.end()


@pytest.fixture
def processes_of() -> Callable[[Path], list[str]]:
    """Command lines of the living processes that have to do with a state folder."""

    def find(state: Path) -> list[str]:
        places = {str(state), str(postgres_data(state))}
        found: list[str] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                environment = process.environ()
                if command and (
                    str(state) in (environment.get(MARK), environment.get("DEV_STATE"))
                    or any(place in f"{command} {process.cwd()}" for place in places)
                ):
                    found.append(command)
        return found

    return find
