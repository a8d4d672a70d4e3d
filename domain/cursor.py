"""Cursors: where a page ended, signed and bound to what was asked for."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import msgspec

from domain.errors import Malformed

SEAL_BYTES = 16


class InvalidCursor(Malformed):
    code = "invalid_cursor"


class Cursors:
    """Writes and reads cursors. By hand, as it is done twice for each page of the feed: a
    general signer costs more than Postgres needs to answer (`make bench`).
    """

    def __init__(self, *secrets: str) -> None:
        """The first secret seals; the others still verify."""
        self._keys = [sha256(b"cursor\0" + one.encode()).digest() for one in secrets]

    def write(self, asked: str, place: list[Any]) -> str:
        written = msgspec.msgpack.encode(place)
        sealed = _seal(self._keys[0], asked, written) + written
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read(self, asked: str, cursor: str) -> list[Any]:
        """The place a cursor stands for.

        Raises:
            InvalidCursor: It was altered, or made for another question.
        """
        try:
            sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            sealed = b""
        seal, written = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        # Base64 has spare bits and skips strange letters: only our own spelling is accepted.
        ours = urlsafe_b64encode(sealed).rstrip(b"=").decode() == cursor
        sealed_by = (_seal(key, asked, written) for key in self._keys)
        if not ours or not any(hmac.compare_digest(seal, one) for one in sealed_by):
            raise InvalidCursor(
                "This cursor does not belong to this list. Start again without it.", field="cursor"
            )
        return msgspec.msgpack.decode(written, type=list[Any])


def _seal(key: bytes, asked: str, written: bytes) -> bytes:
    return hmac.digest(key, asked.encode() + b"\0" + written, "sha256")[:SEAL_BYTES]
