"""API keys as text: `adf_`, an id, a secret, a checksum; and the seal that is kept of one."""

import hmac
import re
import secrets
import zlib
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal
from uuid import UUID

Scope = Literal["read", "generate", "vote", "chat", "admin"]

PREFIX = "adf_"
"""With the checksum it lets scanners of published code find a lost key without asking us."""
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 22, 43, 6
"""What 128, 256 and 32 bits need to the base of 62."""
SHAPE = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})[0-9A-Za-z]{{{SECRET_LENGTH}}}"
    rf"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)
NOBODYS = bytes(32)
"""Compared with when there is no such key, so that the answer takes as long."""


class KeyTokens:
    """Makes keys and seals them. The first secret seals; the others are on their way out."""

    def __init__(self, *server_secrets: str) -> None:
        self._keys = [sha256(b"api key\0" + one.encode()).digest() for one in server_secrets]

    def make(self, key_id: UUID) -> str:
        """A new key for this id. Nothing can tell it again."""
        secret = _digits(secrets.randbits(256), SECRET_LENGTH)
        body = f"{PREFIX}{_digits(key_id.int, ID_LENGTH)}{secret}"
        return body + checksum(body)

    def seal(self, token: str) -> bytes:
        """What is stored of a key: enough to know it again, nothing to make it from."""
        return hmac.digest(self._keys[0], token.encode(), "sha256")

    def fits(self, token: str, seals: Sequence[bytes]) -> bool:
        """Whether one of these seals is the key's; takes as long whichever it is, or none."""
        found = False
        for key in self._keys:
            given = hmac.digest(key, token.encode(), "sha256")
            for seal in seals or [NOBODYS]:
                found |= hmac.compare_digest(given, seal)
        return found


def id_in(token: str) -> UUID | None:
    """The id a key carries; None for what is no key, or one that was mistyped."""
    shape = SHAPE.fullmatch(token)
    if not shape or checksum(token[:-CHECKSUM_LENGTH]) != shape[2]:
        return None
    number = 0
    for digit in shape[1]:
        number = number * 62 + DIGITS.index(digit)
    return UUID(int=number) if number < 1 << 128 else None


def prefix_of(key_id: UUID) -> str:
    """How a key begins, to tell it from others without knowing it."""
    return PREFIX + _digits(key_id.int, ID_LENGTH)[:8]


def checksum(body: str) -> str:
    return _digits(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _digits(number: int, length: int) -> str:
    written = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        written = DIGITS[digit] + written
    return written
