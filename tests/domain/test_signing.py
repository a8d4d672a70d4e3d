"""Every key comes from the server secrets, and survives a change of them."""

from hashlib import sha256

import pytest
from cryptography.fernet import InvalidToken

from domain.signing import API_KEY, CURSOR, IDEMPOTENCY, RECOVERY, VISITOR, cipher, derive_keys

PURPOSES = (API_KEY, CURSOR, IDEMPOTENCY, RECOVERY, VISITOR)


def test_each_purpose_has_keys_of_its_own():
    keys = [derive_keys(purpose, ["one secret", "another"]) for purpose in PURPOSES]

    assert len({key for pair in keys for key in pair}) == 2 * len(PURPOSES)


@pytest.mark.parametrize(
    ("purpose", "label"), [(VISITOR, b"visitor"), (CURSOR, b"dated cursor"), (API_KEY, b"api key")]
)
def test_cookies_cursors_and_api_keys_made_before_stay_valid(purpose: bytes, label: bytes):
    assert derive_keys(purpose, ["secret"]) == (sha256(label + b"\0secret").digest(),)


def test_the_new_secret_encrypts_and_the_previous_one_still_decrypts():
    stored = cipher(IDEMPOTENCY, ["old"]).encrypt(b"an answer")

    assert cipher(IDEMPOTENCY, ["new", "old"]).decrypt(stored) == b"an answer"
    rotated = cipher(IDEMPOTENCY, ["new", "old"]).encrypt(b"an answer")
    assert cipher(IDEMPOTENCY, ["new"]).decrypt(rotated) == b"an answer"
    with pytest.raises(InvalidToken):
        cipher(IDEMPOTENCY, ["new"]).decrypt(stored)


def test_what_is_encrypted_for_one_purpose_is_unreadable_for_another():
    with pytest.raises(InvalidToken):
        cipher(CURSOR, ["secret"]).decrypt(cipher(IDEMPOTENCY, ["secret"]).encrypt(b"an answer"))
