"""Captchas by Cloudflare Turnstile or hCaptcha, verified on the server."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec
import structlog
from redis.asyncio import Redis

from settings import Settings
from settings.checks import CAPTCHA_TEST_SECRETS

Verdict = Literal["ok", "fail", "unavailable"]

ADDRESSES = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
}
DEADLINE_S = 4.0
RESPONSE_BYTES_AT_MOST = 16 * 1024
SPENT_S = 600
"""How long a used token is remembered; both services expire theirs earlier."""

SERVICE_ERRORS = {
    "internal-error",
    "missing-input-secret",
    "invalid-input-secret",
    "sitekey-secret-mismatch",
    "bad-request",
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Proof:
    """The widget's token, and the address it was sent from."""

    token: str
    address: str


@dataclass(frozen=True)
class Challenge:
    """What a page needs to show the widget."""

    provider: str
    site_key: str


class VerifyResponse(msgspec.Struct):
    """What is read of both services' response."""

    success: bool
    hostname: str | None = None
    action: str | None = None
    codes: list[str] = msgspec.field(default_factory=list[str], name="error-codes")


class Captcha:
    """The configured service."""

    def __init__(
        self, challenge: Challenge, *, secret: str, address: str, hostname: str, redis: Redis
    ) -> None:
        self.challenge = challenge
        self._secret = secret
        self._address = address
        self._hostname = hostname
        self._redis = redis

    async def verify(self, token: str, ip: str, action: str) -> Verdict:
        """Whether the token was issued on our site for this action and is unused.

        Raises:
            redis.RedisError: Used tokens cannot be recognised.
        """
        digest = sha256(token.encode()).digest()
        spent = f"captcha:spent:{digest.hex()}"
        if not await self._redis.set(spent, 1, nx=True, ex=SPENT_S):
            return "fail"
        try:
            async with asyncio.timeout(DEADLINE_S):
                response = await self._request(token, ip, UUID(bytes=digest[:16]))
        except (TimeoutError, httpx.HTTPError, msgspec.MsgspecError) as error:
            log.warning("captcha_unavailable", error=type(error).__name__)
            response = None
        verdict = self._judge(response, action) if response else "unavailable"
        if verdict == "unavailable":
            # The token was not judged, so the visitor can send it again.
            await self._redis.delete(spent)
        return verdict

    async def _request(self, token: str, ip: str, once: UUID) -> VerifyResponse:
        form = {"secret": self._secret, "response": token, "remoteip": ip}
        if self.challenge.provider == "turnstile":
            form["idempotency_key"] = str(once)
        else:
            form["sitekey"] = self.challenge.site_key
        async with (
            httpx.AsyncClient(timeout=DEADLINE_S, follow_redirects=False) as client,
            client.stream("POST", self._address, data=form) as received,
        ):
            if received.status_code >= 300 and received.status_code != 400:
                raise httpx.HTTPError(f"answered {received.status_code}")
            body = b""
            # Raw, so that a compressed body cannot grow beyond the limit.
            async for piece in received.aiter_raw():
                body += piece
                if len(body) > RESPONSE_BYTES_AT_MOST:
                    raise httpx.HTTPError("answered too much")
        return msgspec.json.decode(body, type=VerifyResponse)

    def _judge(self, response: VerifyResponse, action: str) -> Verdict:
        if not response.success:
            if errors := SERVICE_ERRORS.intersection(response.codes):
                log.error("captcha_misconfigured", codes=sorted(errors))
                return "unavailable"
            return "fail"
        if self._secret in CAPTCHA_TEST_SECRETS:
            # The services' test keys name a host of their own.
            return "ok"
        # hCaptcha has no actions.
        right_action = self.challenge.provider == "hcaptcha" or response.action == action
        return "ok" if right_action and response.hostname == self._hostname else "fail"


def open_captcha(settings: Settings, redis: Redis) -> Captcha | None:
    """The configured service, if any."""
    if not (settings.captcha_provider and settings.captcha_site_key and settings.captcha_secret):
        return None
    challenge = Challenge(settings.captcha_provider, settings.captcha_site_key)
    return Captcha(
        challenge,
        secret=settings.captcha_secret,
        address=settings.captcha_verify_url or ADDRESSES[challenge.provider],
        hostname=urlsplit(settings.site_url).hostname or "",
        redis=redis,
    )
