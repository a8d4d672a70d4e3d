"""Keys derived from the server secrets: the one place that knows how, and how they rotate.

`settings.server_secrets` lists `SECRET_KEY` first and `SECRET_KEY_PREVIOUS`, if set, after it. The
first signs and encrypts; all of them verify and decrypt. Each purpose has keys of its own, so
that what is signed for one is never valid for another.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from cryptography.fernet import Fernet, MultiFernet

API_KEY = b"api key"
CURSOR = b"dated cursor"
IDEMPOTENCY = b"stored answer"
RECOVERY = b"recovery"
VISITOR = b"visitor"


def derive_keys(purpose: bytes, secrets: Sequence[str]) -> tuple[bytes, ...]:
    """The 256-bit keys of a purpose, one for each secret, the one in force first."""
    return tuple(sha256(purpose + b"\0" + secret.encode()).digest() for secret in secrets)


def key_ids(purpose: bytes, secrets: Sequence[str]) -> tuple[bytes, ...]:
    """Eight public characters for each key, which name the key that made a signature."""
    return tuple(key.hex()[:8].encode() for key in derive_keys(purpose + b" key", secrets))


def cipher(purpose: bytes, secrets: Sequence[str]) -> MultiFernet:
    """Authenticated encryption: with the key in force, decryption with any of them."""
    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in derive_keys(purpose, secrets)])
