"""Cursors: where a page ended, signed and bound to what was asked for."""

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b, sha256
from typing import Any

import msgspec

from domain.errors import Malformed

SEAL_BYTES, SEAL_LETTERS = 16, 22
KEPT_DAYS = 30
"""How long a list can be gone on with, to the day: a cursor may go a few hours earlier."""

DAY_S = 86_400


class InvalidCursor(Malformed):
    code = "invalid_cursor"


class Cursors:
    """Writes and reads cursors. By hand, as it is done twice for each page of the feed: a
    general signer costs more than Postgres needs to answer (`make bench`).
    """

    def __init__(self, *secrets: str, clock: Callable[[], float] = time.time) -> None:
        """The first secret seals; the others still verify. The clock tells seconds since 1970."""
        self._keys = [sha256(b"dated cursor\0" + one.encode()).digest() for one in secrets]
        self._clock = clock

    def write(self, asked: str, place: list[Any]) -> str:
        written = _spelt(msgspec.msgpack.encode([self._today(), *place]))
        return (_seal(self._keys[0], asked, written) + written).decode()

    def read(self, asked: str, cursor: str) -> list[Any]:
        """The place a cursor stands for.

        Raises:
            InvalidCursor: It was altered, made for another question, or is too old.
        """
        letters = cursor.encode("ascii", "replace")
        seal, written = letters[:SEAL_LETTERS], letters[SEAL_LETTERS:]
        # Base64 has spare bits and skips strange letters: all is compared as it is spelt.
        if not any(hmac.compare_digest(_seal(key, asked, written), seal) for key in self._keys):
            raise InvalidCursor(
                "This cursor does not belong to this list. Start again without it.", field="cursor"
            )
        padding = b"=" * (-len(written) % 4)
        written_on, *place = msgspec.msgpack.decode(urlsafe_b64decode(written + padding))
        if self._today() - written_on >= KEPT_DAYS:
            raise InvalidCursor(
                f"This cursor is {KEPT_DAYS} days old, and the list has moved on. Start again "
                "without it.",
                field="cursor",
            )
        return place

    def _today(self) -> int:
        """Since 1970. Seconds would make each cursor longer."""
        return int(self._clock()) // DAY_S


def _seal(key: bytes, asked: str, written: bytes) -> bytes:
    # Made for keys; an HMAC, made twice for each page, costs it several times as much.
    sealed = asked.encode() + b"\0" + written
    return _spelt(blake2b(sealed, key=key, digest_size=SEAL_BYTES).digest())


def _spelt(said: bytes) -> bytes:
    return urlsafe_b64encode(said).rstrip(b"=")
