"""How every process logs: JSON lines in production, readable ones in development."""

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
    # A visitor's cookie, and anything handed over as a token or key in an address.
    r"|\b[0-9a-f]{32}\.[A-Za-z0-9_-]{43}|(?<=token=)[^&\s\"']+|(?<=key=)[^&\s\"']+"
    # Stripe's keys, and what it signs its events with.
    r"|\b[sr]k_(?:test|live)_\w+|\bwhsec_\w+"
)
_QUOTED = re.compile(
    r"""(?P<name>'[A-Za-z_][\w.$]{0,63}'|"[A-Za-z_][\w.$]{0,63}")"""
    # No apostrophe, as in "can't"; but bytes are quoted too, b'so'.
    r"""|(?:(?<![A-Za-z]{2})'|"|(?<=DETAIL:  )|(?<=input for query argument )"""
    r"|(?<=invalid input syntax for type )).*",
    re.DOTALL,
)
"""What is quoted may be what somebody wrote, unless it is a name. That may hold quotes itself, so
nobody knows where it ends."""

HIDDEN = "[redacted]"
WRITTEN_BY_US = {"level", "method", "ms", "request_id", "route", "status", "timestamp"}
"""Fields that nobody else's words can get into; every request writes them."""


def current_request_id() -> str:
    """The id of the request that this work follows from; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """Keep keys, cookies, passwords and tokens in addresses out of every line."""
    for name, value in event.items():
        if name not in WRITTEN_BY_US:
            event[name] = _redacted(name, value)
    return event


@lru_cache(maxsize=1_024)
def _is_secret(name: str) -> bool:
    return bool(_SECRET_NAMES.search(name))


def _redacted(name: str, value: Any) -> Any:
    if isinstance(value, (int, float, bool)) or not value:
        return value
    if _is_secret(name):
        return HIDDEN
    if isinstance(value, dict):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted("", inner) for inner in value]
    if name == "event":
        value = _without_quotes(str(value))
    # Whatever is not text yet would become it after this.
    return _SECRETS.sub(HIDDEN, str(value))


def _without_quotes(words: str) -> str:
    return _QUOTED.sub(lambda found: found["name"] or HIDDEN, words)


def _traceback(exc_info: ExcInfo) -> str:
    """Where it broke and why; without local variables, which hold what people send us."""
    return "".join(_told(traceback.TracebackException(*exc_info))).rstrip()


def _told(error: traceback.TracebackException) -> Iterator[str]:
    """As Python tells it, but for what an error's own words quote."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before:
        yield from _told(before)
        yield "\nand then\n\n"
    yield "Traceback (most recent call last):\n"
    yield from error.stack.format()
    words = "".join(error.format_exception_only()).rstrip()
    yield f"{_without_quotes(words)}\n"
    for one in error.exceptions or []:
        yield from _told(one)


_encode = msgspec.json.Encoder(enc_hook=str).encode


def _json(line: EventDict, **_: Any) -> str:
    return _encode(line).decode()


def request_logger() -> Callable[[EventDict], None]:
    """Writes the line of each request, by now complete, in one step where lines are JSON: what has
    to be found out for other lines would cost a page of the feed a tenth of its time.
    """
    lines = structlog.get_logger().bind()
    last = structlog.get_config()["processors"][-1]
    as_json = isinstance(last, structlog.processors.JSONRenderer)
    if not as_json or not lines.is_enabled_for(logging.INFO):
        return lambda fields: lines.info("request", **fields)
    written, waiting = sys.stderr.buffer, list[bytes]()

    def write() -> None:
        written.write(b"".join(waiting))
        written.flush()
        waiting.clear()

    def tell(fields: EventDict) -> None:
        if "client_request_id" in fields:
            fields = redact(None, "info", fields)
        if not waiting:
            # With those of all requests that end in this turn of the loop.
            asyncio.get_running_loop().call_soon(write)
        said = {"event": "request", **fields, "level": "info", "timestamp": datetime.now(UTC)}
        waiting.append(_encode(said) + b"\n")

    return tell


def configure_logging(*, production: bool, level: str) -> None:
    """Send all logging, ours and the libraries', through one chain to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        # As text and before the redaction, which would not look into an exception.
        structlog.processors.ExceptionRenderer(_traceback),
        redact,
        structlog.processors.JSONRenderer(_json)
        if production
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
    ]
    # Ours go straight to standard error: through the standard library a line costs thrice as much.
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
    # A server that set up logging before us must not write past the chain.
    for server in ("_granian", "uvicorn", "uvicorn.error"):
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True
    # Addresses may carry tokens; our own line for each request names the route instead.
    for access in ("granian.access", "uvicorn.access"):
        logging.getLogger(access).disabled = True
    # These write addresses and message texts at INFO, or what our own lines say already.
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
