"""Logging of every process: redacted lines, as JSON in production and readable in development."""

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor

_SECRET_NAMES = re.compile(
    r"(api_?key|authorization|cookie|password|secret|token|dsn|_url$)", re.IGNORECASE
)
_SECRETS = re.compile(
    r"sk-[A-Za-z0-9_-]{8,}|adf_[A-Za-z0-9_-]{8,}|Bearer\s+\S+|(?<=://)[^/\s@]*:[^/\s@]*(?=@)"
    # A visitor's cookie, and tokens or keys in the query of an address.
    r"|\b[0-9a-f]{32}\.[A-Za-z0-9_-]{43}|(?<=token=)[^&\s\"']+|(?<=key=)[^&\s\"']+"
    # Stripe's API keys and webhook secrets.
    r"|\b[sr]k_(?:test|live)_\w+|\bwhsec_\w+"
)
_QUOTED = re.compile(
    r"""(?P<name>'[A-Za-z_][\w.$]{0,63}'|"[A-Za-z_][\w.$]{0,63}")"""
    # An apostrophe after two letters, as in "can't", opens no quote; the one in b'bytes' does.
    r"""|(?:(?<![A-Za-z]{2})'|"|(?<=DETAIL:  )|(?<=input for query argument )"""
    r"|(?<=invalid input syntax for type )).*",
    re.DOTALL,
)
"""A quoted part of an error's message, up to the end of the message. Unless it is an identifier, it
may be user input, which may contain quotes itself, so its end cannot be found."""

REDACTED = "[redacted]"
SAFE_FIELDS = {"level", "method", "ms", "request_id", "route", "status", "timestamp"}
"""Fields of every request that never hold user input, and are not searched for secrets."""


def current_request_id() -> str:
    """The id of the request that caused this work; empty if none did."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """Keep keys, cookies, passwords and tokens in addresses out of every line."""
    for name, value in event.items():
        if name not in SAFE_FIELDS:
            event[name] = _redacted(name, value)
    return event


@lru_cache(maxsize=1_024)
def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAMES.search(name))


def _redacted(name: str, value: Any) -> Any:
    if isinstance(value, (int, float, bool)) or not value:
        return value
    if _is_secret(name):
        return REDACTED
    if isinstance(value, dict):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted("", inner) for inner in value]
    if name == "event":
        value = _without_quotes(str(value))
    # The renderer would convert any other value to text after this step.
    return _SECRETS.sub(REDACTED, str(value))


def _without_quotes(message: str) -> str:
    return _QUOTED.sub(lambda found: found["name"] or REDACTED, message)


def _traceback(exc_info: ExcInfo) -> str:
    """The traceback without local variables, which may hold user input."""
    return "".join(_format(traceback.TracebackException(*exc_info))).rstrip()


def _format(error: traceback.TracebackException) -> Iterator[str]:
    """Python's own format, but with quoted parts of the messages redacted."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield from _format(cause)
        yield "\nand then\n\n"
    yield "Traceback (most recent call last):\n"
    yield from error.stack.format()
    message = "".join(error.format_exception_only()).rstrip()
    yield f"{_without_quotes(message)}\n"
    for member in error.exceptions or []:
        yield from _format(member)


_encode = msgspec.json.Encoder(enc_hook=str).encode


def _json(line: EventDict, **_: Any) -> str:
    return _encode(line).decode()


def request_logger() -> Callable[[EventDict], None]:
    """A function that logs a finished request from its fields.

    JSON lines bypass structlog's processors, which would make a page of the feed a tenth slower.
    The fields are complete, and only `client_request_id` is user input and needs redaction.
    """
    logger = structlog.get_logger().bind()
    renderer = structlog.get_config()["processors"][-1]
    as_json = isinstance(renderer, structlog.processors.JSONRenderer)
    if not as_json or not logger.is_enabled_for(logging.INFO):
        return lambda fields: logger.info("request", **fields)
    output, pending = sys.stderr.buffer, list[bytes]()

    def flush() -> None:
        output.write(b"".join(pending))
        output.flush()
        pending.clear()

    def log_request(fields: EventDict) -> None:
        if "client_request_id" in fields:
            fields = redact(None, "info", fields)
        if not pending:
            # One write for all requests that end in this turn of the event loop.
            asyncio.get_running_loop().call_soon(flush)
        line = {"event": "request", **fields, "level": "info", "timestamp": datetime.now(UTC)}
        pending.append(_encode(line) + b"\n")

    return log_request


def configure_logging(*, production: bool, level: str) -> None:
    """Send all lines, also those of libraries, through one processor chain to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        # Before the redaction, which searches text only.
        structlog.processors.ExceptionRenderer(_traceback),
        redact,
        structlog.processors.JSONRenderer(_json)
        if production
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
    ]
    # Our own lines bypass the standard library, through which each would cost three times as much.
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # A server that configured its loggers earlier must use the chain, too.
    for server in ("_granian", "uvicorn", "uvicorn.error"):
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True
    # Addresses may contain tokens; our own line for each request has the route instead.
    for access in ("granian.access", "uvicorn.access"):
        logging.getLogger(access).disabled = True
    # At INFO these log addresses, message texts, or what our own lines contain already.
    for noisy in (
        "saq",
        "httpx",
        "httpcore",
        "asyncio",
        "engineio",
        "socketio",
        "reflex",
        "stripe",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
