"""Cursors for pagination: the position where a page ended, signed and bound to its query."""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from domain.errors import Malformed
from domain.signing import CURSOR, derive_keys

SIGNATURE_BYTES, SIGNATURE_CHARACTERS = 16, 22
LIFETIME_DAYS = 30
"""Counted in UTC dates, so a cursor may expire a few hours early."""

DAY_S = 86_400


class InvalidCursor(Malformed):
    code = "invalid_cursor"


class Cursors:
    """Writes and reads cursors.

    Signed by hand: this happens twice for each page of the feed, and a general signing library
    takes longer than Postgres needs for the page (`make bench`).
    """

    def __init__(self, *secrets: str, clock: Callable[[], float] = time.time) -> None:
        """The first secret signs, all of them verify. `clock` returns seconds since 1970."""
        self._keys = derive_keys(CURSOR, secrets)
        self._clock = clock

    def write(self, query: str, position: list[Any]) -> str:
        """`query` identifies the list, so that its cursors are invalid for any other."""
        payload = _base64(msgspec.msgpack.encode([self._today(), *position]))
        return (_signature(self._keys[0], query, payload) + payload).decode()

    def read(self, query: str, cursor: str) -> list[Any]:
        """The position in a cursor of this query.

        Raises:
            InvalidCursor: It was altered, belongs to another query, or is too old.
        """
        characters = cursor.encode("ascii", "replace")
        signature = characters[:SIGNATURE_CHARACTERS]
        payload = characters[SIGNATURE_CHARACTERS:]
        # Compared in encoded form: base64 has spare bits and its decoder skips odd characters.
        valid = (_signature(key, query, payload) for key in self._keys)
        if not any(hmac.compare_digest(expected, signature) for expected in valid):
            raise InvalidCursor(
                "This cursor does not belong to this list. Start again without it.", field="cursor"
            )
        padding = b"=" * (-len(payload) % 4)
        written_on, *position = msgspec.msgpack.decode(urlsafe_b64decode(payload + padding))
        if self._today() - written_on >= LIFETIME_DAYS:
            raise InvalidCursor(
                f"This cursor is {LIFETIME_DAYS} days old, and the list has moved on. Start again "
                "without it.",
                field="cursor",
            )
        return position

    def _today(self) -> int:
        """Days since 1970; shorter in each cursor than seconds."""
        return int(self._clock()) // DAY_S


def _signature(key: bytes, query: str, payload: bytes) -> bytes:
    # Keyed BLAKE2 is a MAC by itself; an HMAC takes several times as long.
    signed = query.encode() + b"\0" + payload
    return _base64(blake2b(signed, key=key, digest_size=SIGNATURE_BYTES).digest())


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
