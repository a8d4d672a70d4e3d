"""Server-sent events as bytes: Litestar's own have no heartbeat."""

from collections.abc import AsyncGenerator
from typing import Any

from litestar.response import Stream

from api.fast_json import encode

MEDIA_TYPE = "text/event-stream"
PING_EVERY_S = 15
PING = b": ping\n\n"
OPENING = b"retry: 2000\n\n"
"""Tells a browser to come back after two seconds when it loses the connection."""

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


def event(name: str, data: Any, event_id: str | None = None) -> bytes:
    """One event; its data is a single line of JSON."""
    marked = f"id: {event_id}\n" if event_id else ""
    return f"{marked}event: {name}\ndata: ".encode() + encode(data) + b"\n\n"


def stream(events: AsyncGenerator[bytes]) -> Stream:
    return Stream(events, media_type=MEDIA_TYPE, headers=HEADERS)
