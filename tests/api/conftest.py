"""The API as a process of its own, spoken to over real HTTP."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT


class ServedApi:
    """A running API and what it has written so far."""

    def __init__(self, log: Path, variables: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        granian = [str(Path(sys.executable).parent / "granian"), "--interface", "asgi", "--factory"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*granian, "--host", "127.0.0.1", "--port", str(port), "api.app:create_app"],
                cwd=ROOT,
                env={**os.environ, **variables},
                stdout=output,
                stderr=output,
            )
        # Connects again until somebody listens.
        with httpx.Client(transport=httpx.HTTPTransport(retries=9)) as client:
            client.get(f"{self.url}/health/live", timeout=60)

    @property
    def written(self) -> str:
        return self.log.read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def serve(
    empty_database: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., ServedApi]]:
    """Start an API with these variables; all are stopped at the end."""
    started: list[ServedApi] = []

    def start(**variables: str) -> ServedApi:
        log = tmp_path_factory.mktemp("api") / "log"
        started.append(ServedApi(log, variables))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def served(serve: Callable[..., ServedApi]) -> ServedApi:
    """One API for all tests that need no other settings."""
    return serve(LOG_LEVEL="INFO")
