"""How every process logs: JSON lines in production, readable ones in development."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_SECRET_NAMES = re.compile(
    r"(api_?key|authorization|cookie|password|secret|token|dsn|_url$)", re.IGNORECASE
)
_SECRET_VALUES = re.compile(
    r"(sk-[A-Za-z0-9_-]{8,}|adf_[A-Za-z0-9_-]{8,}|Bearer\s+\S+|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=[?&]token=)[^&\s\"]+)"
)


def current_request_id() -> str:
    """The id of the request that this work follows from; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def redact(_: Any, __: str, event: EventDict) -> EventDict:
    """Keep keys, cookies, passwords and tokens in addresses out of every line."""
    for name, value in event.items():
        if _SECRET_NAMES.search(name) and value and not isinstance(value, (int, float, bool)):
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = _SECRET_VALUES.sub("[redacted]", value)
    return event


def configure_logging(*, production: bool, level: str) -> None:
    """Send all logging, ours and the libraries', through one chain to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [structlog.processors.dict_tracebacks, redact, structlog.processors.JSONRenderer()]
        if production
        else [redact, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
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
    # These write addresses and message texts at INFO, or what our own lines say already.
    for noisy in ("saq", "httpx", "httpcore", "asyncio", "engineio", "socketio", "reflex"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
