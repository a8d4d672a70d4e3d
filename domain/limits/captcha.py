"""Proof that a person asks: Cloudflare Turnstile or hCaptcha, verified on the server."""

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
ANSWER_BYTES_AT_MOST = 16 * 1024
SPENT_S = 600
"""How long a token is remembered as used; both services let theirs expire before."""

NOT_THE_VISITORS_FAULT = {
    "internal-error",
    "missing-input-secret",
    "invalid-input-secret",
    "sitekey-secret-mismatch",
    "bad-request",
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Proof:
    """What a visitor brings: the widget's token, and the address they bring it from."""

    token: str
    address: str


@dataclass(frozen=True)
class Challenge:
    """What a page needs to show the widget."""

    provider: str
    site_key: str


class Answer(msgspec.Struct):
    """Both services' answer, as far as it counts."""

    success: bool
    hostname: str | None = None
    action: str | None = None
    codes: list[str] = msgspec.field(default_factory=list[str], name="error-codes")


class Captcha:
    """One of the services, as configured."""

    def __init__(
        self, challenge: Challenge, *, secret: str, address: str, hostname: str, redis: Redis
    ) -> None:
        self.challenge = challenge
        self._secret = secret
        self._address = address
        self._hostname = hostname
        self._redis = redis

    async def verify(self, token: str, ip: str, action: str) -> Verdict:
        """Whether the token was given to a person on our site for this action, and is unused.

        Raises:
            redis.RedisError: It cannot be known whether the token was used before.
        """
        digest = sha256(token.encode()).digest()
        spent = f"captcha:spent:{digest.hex()}"
        if not await self._redis.set(spent, 1, nx=True, ex=SPENT_S):
            return "fail"
        try:
            async with asyncio.timeout(DEADLINE_S):
                answer = await self._ask(token, ip, UUID(bytes=digest[:16]))
        except (TimeoutError, httpx.HTTPError, msgspec.MsgspecError) as error:
            log.warning("captcha_unavailable", error=type(error).__name__)
            answer = None
        verdict = self._judge(answer, action) if answer else "unavailable"
        if verdict == "unavailable":
            # Nothing was decided about it, so the visitor may bring it again.
            await self._redis.delete(spent)
        return verdict

    async def _ask(self, token: str, ip: str, once: UUID) -> Answer:
        form = {"secret": self._secret, "response": token, "remoteip": ip}
        if self.challenge.provider == "turnstile":
            form["idempotency_key"] = str(once)
        else:
            form["sitekey"] = self.challenge.site_key
        async with (
            httpx.AsyncClient(timeout=DEADLINE_S, follow_redirects=False) as client,
            client.stream("POST", self._address, data=form) as response,
        ):
            if response.status_code >= 300 and response.status_code != 400:
                raise httpx.HTTPError(f"answered {response.status_code}")
            body = b""
            # Raw, as it was asked for: nothing that is packed can grow here.
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > ANSWER_BYTES_AT_MOST:
                    raise httpx.HTTPError("answered too much")
        return msgspec.json.decode(body, type=Answer)

    def _judge(self, answer: Answer, action: str) -> Verdict:
        if not answer.success:
            if troubles := NOT_THE_VISITORS_FAULT.intersection(answer.codes):
                log.error("captcha_refuses_us", codes=sorted(troubles))
                return "unavailable"
            return "fail"
        if self._secret in CAPTCHA_TEST_SECRETS:
            # Test keys answer for a host of the service's own.
            return "ok"
        # hCaptcha knows no actions.
        right_action = self.challenge.provider == "hcaptcha" or answer.action == action
        return "ok" if right_action and answer.hostname == self._hostname else "fail"


def open_captcha(settings: Settings, redis: Redis) -> Captcha | None:
    """The service that is configured, if one is."""
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
