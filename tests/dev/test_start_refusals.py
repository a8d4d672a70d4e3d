"""A value that cannot work stops `make run` with one sentence that names the variable."""

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dev import ports
from dev.databases import Databases

SECRET = "hunter2"


@pytest.fixture
def refusing_port() -> int:
    """A port on which nobody answers."""
    return ports.free()


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port on which somebody listens who is no database, and hangs up."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "DATABASE_URL",
            f"postgresql://app:{SECRET}@127.0.0.1:{{port}}/factoids",
            "DATABASE_URL: cannot reach the Postgres at 127.0.0.1:{port} (connection refused).",
        ),
        (
            "DATABASE_URL",
            f"postgresql://app:{SECRET}@nowhere.invalid/factoids",
            "DATABASE_URL: cannot reach the Postgres at nowhere.invalid:5432 (no such host).",
        ),
        ("DATABASE_URL", f"mysql://app:{SECRET}@127.0.0.1/x", "DATABASE_URL: "),
        ("DATABASE_URL", f"postgresql://app:{SECRET}@127.0.0.1:many/x", "DATABASE_URL: "),
        ("DATABASE_URL", "postgresql://", "DATABASE_URL: "),
        (
            "REDIS_URL",
            f"redis://:{SECRET}@127.0.0.1:{{port}}/0",
            "REDIS_URL: cannot reach the Redis at 127.0.0.1:{port} (connection refused).",
        ),
        (
            "REDIS_URL",
            f"redis://:{SECRET}@nowhere.invalid:6379",
            "REDIS_URL: cannot reach the Redis at nowhere.invalid:6379 (no such host).",
        ),
        ("REDIS_URL", f"{SECRET}@127.0.0.1", "REDIS_URL: "),
        ("PORT", "eighty", "PORT: "),
        ("OPENROUTER_BASE_URL", "openrouter", "OPENROUTER_BASE_URL: "),
    ],
)
def test_a_wrong_value_is_one_sentence(
    launch: Callable[..., Any], refusing_port: int, variable: str, value: str, sentence: str
):
    program = launch("dev.run", **{variable: value.format(port=refusing_port)})

    assert program.ended() == 1
    assert program.said.strip().startswith(sentence.format(port=refusing_port))
    assert len(program.said.strip().splitlines()) == 1
    assert SECRET not in program.said


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PAYMENTS": "cash"}, 'PAYMENTS: must be "standin", or left out.'),
        (
            {"PAYMENTS": "standin", "ENVIRONMENT": "production"},
            "PAYMENTS: the stand-in may not take payments in production.",
        ),
        (
            {"PAYMENTS": "standin", "STRIPE_SECRET_KEY": f"sk_test_{SECRET}"},
            "PAYMENTS: the stand-in needs STRIPE_SECRET_KEY for itself; leave one of them out.",
        ),
    ],
)
def test_payments_that_cannot_be_taken_are_one_sentence(
    launch: Callable[..., Any], variables: dict[str, str], sentence: str
):
    program = launch("dev.run", **variables)

    assert program.ended() == 1
    assert program.said.strip() == sentence


def test_a_wrong_password_is_one_sentence(launch: Callable[..., Any], other_state: Path):
    services = Databases(other_state)
    addresses = services.start()
    try:
        for variable, address in addresses.items():
            credentials = address.split("//")[1].split("@")[0]
            user = credentials.split(":")[0]
            wrong = address.replace(credentials, f"{user}:{SECRET}")
            program = launch("dev.run", **{**addresses, variable: wrong})

            assert program.ended() == 1
            assert program.said.strip().startswith(f"{variable}: the ")
            assert " refuses: " in program.said
            assert SECRET not in program.said
    finally:
        services.stop()


def test_a_server_of_another_kind_is_one_sentence(launch: Callable[..., Any], other_state: Path):
    services = Databases(other_state)
    addresses = services.start()
    try:
        places = {name: address.split("@")[1].split("/")[0] for name, address in addresses.items()}
        swapped = {
            "DATABASE_URL": f"postgresql://app:{SECRET}@{places['REDIS_URL']}/factoids",
            "REDIS_URL": f"redis://{places['DATABASE_URL']}/0",
        }
        for variable, address in swapped.items():
            program = launch("dev.run", **{**addresses, variable: address})

            assert program.ended() == 1
            assert program.said.strip().startswith(f"{variable}: ")
            assert "Traceback" not in program.said
    finally:
        services.stop()


def test_an_unreachable_openrouter_is_one_sentence(launch: Callable[..., Any], refusing_port: int):
    base = f"http://127.0.0.1:{refusing_port}/api/v1"
    program = launch("dev.run", OPENROUTER_API_KEY=SECRET, OPENROUTER_BASE_URL=base)

    assert program.ended() == 1
    assert program.said.strip().startswith(
        f"OPENROUTER_BASE_URL: cannot reach 127.0.0.1:{refusing_port} (connection refused)"
    )
    assert SECRET not in program.said


def test_a_key_that_openrouter_refuses_is_one_sentence(launch: Callable[..., Any]):
    class No(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b'{"error": {"message": "User not found.", "code": 401}}')

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer((ports.LOOPBACK, 0), No) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        base = f"http://{ports.LOOPBACK}:{server.server_address[1]}/api/v1"
        program = launch("dev.run", OPENROUTER_API_KEY=SECRET, OPENROUTER_BASE_URL=base)

        assert program.ended() == 1
    assert program.said.strip().startswith("OPENROUTER_API_KEY: ")
    assert "refuses it (User not found.)" in program.said
    assert SECRET not in program.said


def test_a_taken_port_that_was_asked_for_is_one_sentence(
    launch: Callable[..., Any], mute_port: int
):
    program = launch("dev.run", PORT=str(mute_port))

    assert program.ended() == 1
    assert program.said.strip() == (f"PORT: {mute_port} is taken; choose another, or leave it out.")
