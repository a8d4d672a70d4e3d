"""How every process logs: JSON lines in production, readable ones in development."""

import logging
import re
import sys
import traceback
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
_SOMEBODYS_WORDS = re.compile(
    r"(?<=DETAIL:  ).*|(?<=input for query argument ).*|(?<=invalid input syntax for type )[^\n]*"
    # What the words of an exception quote may be what somebody wrote; names are not.
    r"|'(?![\w.$]{1,64}')[^'\n]+'|(?<!File )\"(?![\w.$]{1,64}\")[^\"\n]+\""
)
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
    if name in {"exception", "event"}:
        value = _SOMEBODYS_WORDS.sub(HIDDEN, str(value))
    # Whatever is not text yet would become it after this.
    return _SECRETS.sub(HIDDEN, str(value))


def _traceback(exc_info: ExcInfo) -> str:
    """Where it broke and why; without local variables, which hold what people send us."""
    return "".join(traceback.format_exception(*exc_info)).rstrip()


def _json(line: EventDict, **_: Any) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()


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
