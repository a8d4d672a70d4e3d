"""The signed cookie that identifies anonymous visitors."""

import hmac
import time
from base64 import urlsafe_b64encode
from uuid import UUID

from litestar.types import HTTPScope, WebSocketScope

from api.http_semantics import list_members
from domain.signing import VISITOR, derive_keys, key_ids

COOKIE = b"visitor"
COOKIE_UNDER_TLS = b"__Host-visitor"
COOKIE_S = 365 * 24 * 3_600
RENEWED_AFTER_S = 30 * 24 * 3_600
CLOCK_SKEW_S = 60
"""How far in the future `issued_at` may be, since the clocks of processes differ."""


class VisitorTokens:
    """Signs and verifies visitor ids: `<key id>.<issued at>.<visitor id>.<signature>`, all but the
    signature in hexadecimal.

    The first secret signs; the others still verify. A token signed for one `purpose` is not valid
    for another.
    """

    def __init__(self, *secrets: str, purpose: bytes = VISITOR, life_s: int = COOKIE_S) -> None:
        self._life_s = life_s
        ids, keys = key_ids(purpose, secrets), derive_keys(purpose, secrets)
        self._keys = dict(zip(ids, keys, strict=True))
        self._signing_id, self._signing_key = ids[0], keys[0]

    def write(self, visitor_id: UUID, issued_at: int | None = None) -> str:
        """`issued_at` is in seconds since 1970, now by default."""
        moment = int(time.time()) if issued_at is None else issued_at
        payload = b"%b.%08x.%b" % (self._signing_id, moment, visitor_id.hex.encode())
        return (payload + b"." + _signature(self._signing_key, payload)).decode()

    def read(self, token: bytes) -> tuple[UUID, bool] | None:
        """The visitor of a valid token, and whether the token is due for renewal.

        The signature is compared as base64 text, so that a token that differs only in the unused
        bits of the last character is not valid.
        """
        payload, _, signature = token.rpartition(b".")
        key = self._keys.get(token[:8])
        if key is None or not hmac.compare_digest(_signature(key, payload), signature):
            return None
        age_s = time.time() - int(payload[9:17], 16)
        if not -CLOCK_SKEW_S <= age_s <= self._life_s:
            return None
        renew = age_s > RENEWED_AFTER_S or key is not self._signing_key
        return UUID(hex=payload[18:].decode()), renew


def _signature(key: bytes, payload: bytes) -> bytes:
    return urlsafe_b64encode(hmac.digest(key, payload, "sha256")).rstrip(b"=")


class VisitorCookies:
    """Reads and writes the cookie; over TLS its name has the `__Host-` prefix."""

    def __init__(self, tokens: VisitorTokens, *, https_only: bool) -> None:
        self._tokens = tokens
        self._https_only = https_only

    def read(self, scope: HTTPScope | WebSocketScope) -> tuple[UUID, bool] | None:
        """The visitor of a valid cookie, and whether the cookie is due for renewal."""
        name: bytes | None = None
        for header, value in scope["headers"]:
            if header == b"cookie":
                name = name or _name(self._is_tls(scope))
                for pair in value.split(b";"):
                    given, _, token = pair.strip().partition(b"=")
                    if given == name:
                        return self._tokens.read(token)
        return None

    def cookie(self, scope: HTTPScope | WebSocketScope, visitor_id: UUID) -> bytes:
        """The value of a `Cookie` header that names this visitor."""
        return _name(self._is_tls(scope)) + b"=" + self._tokens.write(visitor_id).encode()

    def set_cookie(self, scope: HTTPScope, visitor_id: UUID) -> bytes:
        """The value of a `Set-Cookie` header that names this visitor."""
        secure = b"; Secure" if self._is_tls(scope) else b""
        attributes = b"; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax" % COOKIE_S
        return self.cookie(scope, visitor_id) + attributes + secure

    def _is_tls(self, scope: HTTPScope | WebSocketScope) -> bool:
        """Whether the browser is connected over TLS."""
        if self._https_only or scope["scheme"] in {"https", "wss"}:
            return True
        # A proxy terminates TLS. Its header is trusted, since it can only add the attribute Secure.
        forwarded = list_members(scope["headers"], b"x-forwarded-proto")
        return bool(forwarded) and forwarded[0].lower() == "https"


def _name(tls: bool) -> bytes:
    return COOKIE_UNDER_TLS if tls else COOKIE
