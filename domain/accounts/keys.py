"""API keys as text (`adf_`, an id, a secret, a checksum) and the keyed hash that is stored."""

import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from domain.signing import API_KEY, derive_keys

Scope = Literal["read", "generate", "vote", "chat", "admin"]

PREFIX = "adf_"
"""With the checksum it lets secret scanners recognise a leaked key without asking us."""
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 22, 43, 6
"""Base-62 digits for 128, 256 and 32 bits."""
SHAPE = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})[0-9A-Za-z]{{{SECRET_LENGTH}}}"
    rf"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)
NO_HASH = bytes(32)
"""Compared with when there is no such key, so that the response takes equally long."""


class KeyTokens:
    """Makes and hashes API keys. The first secret hashes, all of them verify."""

    def __init__(self, *secrets: str) -> None:
        self._keys = derive_keys(API_KEY, secrets)

    def make(self, key_id: UUID) -> str:
        """A new key with this id. It is not stored and cannot be made again."""
        secret = _digits(secrets.randbits(256), SECRET_LENGTH)
        body = f"{PREFIX}{_digits(key_id.int, ID_LENGTH)}{secret}"
        return body + checksum(body)

    def hash(self, token: str) -> bytes:
        """What is stored of a key: it can be verified by this, but not restored."""
        return hmac.digest(self._keys[0], token.encode(), "sha256")

    def matches(self, token: str, hashes: Sequence[bytes]) -> bool:
        """Whether one of these hashes is the key's; in constant time."""
        found = False
        for key in self._keys:
            given = hmac.digest(key, token.encode(), "sha256")
            for stored in hashes or [NO_HASH]:
                found |= hmac.compare_digest(given, stored)
        return found


def id_in(token: str) -> UUID | None:
    """The id in a key; None when it is malformed or mistyped."""
    shape = SHAPE.fullmatch(token)
    if not shape or checksum(token[:-CHECKSUM_LENGTH]) != shape[2]:
        return None
    number = 0
    for digit in shape[1]:
        number = number * 62 + DIGITS.index(digit)
    return UUID(int=number) if number < 1 << 128 else None


def prefix_of(key_id: UUID) -> str:
    """The first characters of a key, by which its owner recognises it."""
    return PREFIX + _digits(key_id.int, ID_LENGTH)[:8]


def checksum(body: str) -> str:
    return _digits(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _digits(number: int, length: int) -> str:
    written = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        written = DIGITS[digit] + written
    return written
