import asyncio
import json
import logging
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from typing import Any
from uuid import UUID

import pytest
import structlog

from api.middleware.request_log import RequestLogMiddleware
from api.visitor_cookie import VisitorTokens
from domain.accounts.keys import KeyTokens
from domain.infra.logging import configure_logging
from tests.configuration import settings


class Lines:
    """Whatever was logged, read as JSON."""

    def __init__(self) -> None:
        self._bytes = BytesIO()
        self.output = TextIOWrapper(self._bytes, write_through=True)

    def __call__(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._bytes.getvalue().splitlines()]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers = root.handlers[:]
    lines = Lines()
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", lines.output)
        configure_logging(production=True, level="DEBUG")
    yield lines
    configure_logging(production=False, level=settings.log_level)
    root.handlers[:] = handlers


@pytest.mark.parametrize(
    ("secret", "hidden"),
    [
        ("sk-or-v1-abcdefgh12345678", "abcdefgh"),
        ("adf_abcdefgh12345678", "abcdefgh"),
        ("sk_test_abcdefgh12345678", "abcdefgh"),
        ("rk_live_abcdefgh12345678", "abcdefgh"),
        ("whsec_abcdefgh12345678", "abcdefgh"),
        ("Bearer abc.def", "abc.def"),
        (f"visitor={VisitorTokens('x').write(UUID(int=0xFAB))}", "00fab."),
        (f"key {KeyTokens('x').make(UUID(int=0))} said", "adf_000000"),
        ("postgresql://app:hunter2@db/factoids", "hunter2"),
        ("redis://:hunter2@kv:6379", "hunter2"),
        ("wss://site/_event?token=hunter2&EIO=4", "hunter2"),
        ("GET /x?api_key=hunter2", "hunter2"),
    ],
)
def test_secrets_are_kept_out_wherever_they_stand(lines, secret, hidden):
    log = structlog.get_logger()
    log.info(f"said {secret}")
    log.info("said", word=secret, nested={"deep": [secret]}, thing=Exception(secret))
    logging.getLogger("a.library").warning("said %s", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("broke")

    written = json.dumps(lines())
    assert written.count("[redacted]") >= 6
    assert hidden not in written


def test_values_with_telling_names_are_hidden(lines):
    structlog.get_logger().info(
        "said", api_key="x1", cookie="x2", authorization="x3", database_url="x4", prompt_tokens=7
    )

    (line,) = lines()
    assert [line[name] for name in ("api_key", "cookie", "authorization", "database_url")] == [
        "[redacted]"
    ] * 4
    assert line["prompt_tokens"] == 7


def test_an_exception_is_told_without_what_people_wrote(lines):
    text = "Octopuses have three hearts"

    def fail(comment: str) -> None:
        raise ValueError(f"invalid input for query argument $1: {comment!r} (too long)")

    try:
        fail(text)
    except ValueError:
        structlog.get_logger().exception("broke")
    try:
        raise RuntimeError(f'duplicate key "uq_key"\nDETAIL:  Key (text)=({text}) exists.')
    except RuntimeError:
        logging.getLogger("a.library").exception("broke too")

    first, second = lines()
    assert text not in json.dumps([first, second])
    assert "in fail" in first["exception"]
    assert "uq_key" in second["exception"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('no room for "three "red" hearts"\nor more', "no room for [redacted]"),
        ("cannot read 'three\nhearts'", "cannot read [redacted]"),
        ("cannot read '4242424242424242'", "cannot read [redacted]"),
        ("cannot read b'three hearts'", "cannot read b[redacted]"),
        ('no "uq_key" in "factoids", and it can\'t be', None),
    ],
)
def test_an_error_is_told_up_to_what_it_quotes(lines, said, told):
    log = logging.getLogger("a.library")
    log.warning(said)
    try:
        try:
            raise ValueError(said)
        except ValueError as cause:
            raise ExceptionGroup(said, [RuntimeError(said)]) from cause
    except ExceptionGroup:
        log.exception("broke")

    warned, broke = lines()
    assert warned["event"] == (told or said)
    for kind in ("ValueError", "ExceptionGroup", "RuntimeError"):
        assert f"{kind}: {told or said}" in broke["exception"]
    assert "hearts" not in broke["exception"].replace(__file__, "")


async def test_an_error_that_no_route_answers_for_is_told_without_what_people_wrote(
    lines, monkeypatch
):
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("could not read 'what a visitor wrote'")

    async def forget(*_: Any) -> Any: ...

    monkeypatch.setattr("sys.stderr", lines.output)
    scope: Any = {"type": "http", "method": "GET", "path": "/api", "headers": []}
    await RequestLogMiddleware(broken, https_only=False)(scope, forget, forget)
    # Lines of requests are written when the loop comes round.
    await asyncio.sleep(0)

    error, request = lines()
    assert error["event"] == "unexpected_error"
    assert error["exception"].endswith("ValueError: could not read [redacted]")
    assert "exc_info" not in error
    assert (request["event"], request["level"], request["status"]) == ("request", "info", 500)
    assert error["request_id"] == request["request_id"]
