"""`make run`, with the real product behind it: started by the Procfile's lines, and gone after."""

import http.server
import json
import re
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import ports
from dev.databases import Databases
from dev.processes import started_for
from dev.state import StateFile


def test_the_procfile_starts_the_product_which_may_be_killed_and_started_again_but_not_twice(
    launch: Callable[..., Any], state: Path, processes_of: Callable[[Path], list[str]]
):
    killed = launch("dev.run")
    address = address_of(killed)
    assert get(f"{address}/health/ready") == 200
    assert get(f"{address}/") == 200
    assert len(texts_of_the_feed(address)) >= 200
    assert re.findall(r"\w+://\S+", killed.said) == [address]
    assert "stand-in model" in killed.said
    assert get_json(f"{address}/api/payments/products")["payments"] == "off"
    assert not (state / "log" / "payments.log").exists()
    assert StateFile(state / "services.json").get("postgres_password") not in killed.said
    killed.popen.kill()
    killed.ended()

    program = launch("dev.run")
    address = address_of(program)
    assert get(f"{address}/health/ready") == 200

    second = launch("dev.run")
    assert second.ended() == 1
    assert second.said.strip().startswith(f"This clone is in use already at {address}")

    # One part that dies takes the others with it, and is named.
    web = next(found for found in started_for(state) if "serve:app" in found.cmdline())
    web.kill()
    assert program.ended() == 1
    assert "web ended by itself" in program.said
    assert processes_of(state) == []


def test_servers_and_a_model_that_are_given_are_used(
    launch: Callable[..., Any],
    state: Path,
    other_state: Path,
    openrouter: str,
    processes_of: Callable[[Path], list[str]],
):
    given = Databases(other_state)
    addresses = given.start()
    try:
        program = launch(
            "dev.run", **addresses, OPENROUTER_API_KEY="key", OPENROUTER_BASE_URL=openrouter
        )
        assert get(f"{address_of(program)}/health/ready") == 200
        assert "stand-in" not in program.said
        assert not (state / "log" / "model.log").exists()
        assert not (state / "services.json").exists()
        program.popen.send_signal(signal.SIGTERM)
        assert program.ended() == 0
        assert processes_of(state) == []
    finally:
        given.stop()


@pytest.fixture
def openrouter() -> Iterator[str]:
    """Something that answers every question about a key with yes."""

    class Yes(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": []}')

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((ports.LOOPBACK, 0), Yes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{ports.LOOPBACK}:{server.server_address[1]}/api/v1"
        server.shutdown()


def address_of(program: Any) -> str:
    """The address a run prints when everything is ready."""
    assert program.waits_until(lambda: "Factoids is at http" in program.said), program.said
    return program.said.split("Factoids is at ")[1].splitlines()[0]


def texts_of_the_feed(address: str) -> set[str]:
    texts: set[str] = set()
    query = ""
    while True:
        page = get_json(f"{address}/api/factoids?limit=100{query}")
        texts |= {factoid["text"] for factoid in page["items"]}
        if page["next_cursor"] is None:
            return texts
        query = f"&cursor={page['next_cursor']}"


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.status


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())
