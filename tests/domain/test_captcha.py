"""A captcha's token counts once, on our site, for what it was asked for."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from redis.asyncio import Redis

from domain.limits import captcha
from domain.limits.captcha import Captcha, Challenge
from tests.factories import unique
from tests.standins.captcha import CaptchaStandIn, running_captcha

IP = "192.0.2.1"


@pytest.fixture
async def service() -> AsyncGenerator[CaptchaStandIn]:
    async with running_captcha() as standin:
        yield standin


def of(service: CaptchaStandIn, redis: Redis, provider: str = "turnstile", **given: str) -> Captcha:
    usual = {"secret": "secret", "address": f"{service.base_url}/{provider}"}
    usual |= {"hostname": "factoids.test"}
    return Captcha(Challenge(provider, "site-key"), redis=redis, **usual | given)


@pytest.mark.parametrize("provider", ["turnstile", "hcaptcha"])
@pytest.mark.parametrize(
    ("scenario", "verdict"),
    [
        ("pass", "ok"),
        ("fail", "fail"),
        ("duplicate", "fail"),
        ("nonsense", "fail"),
        ("other-host", "fail"),
        ("internal-error", "unavailable"),
        ("wrong-secret", "unavailable"),
        ("error-500", "unavailable"),
        ("redirect", "unavailable"),
        ("garbage", "unavailable"),
        ("huge", "unavailable"),
        ("bomb", "unavailable"),
    ],
)
async def test_what_the_service_says_counts(
    service: CaptchaStandIn, redis: Redis, provider: str, scenario: str, verdict: str
):
    one = of(service, redis, provider)

    assert await one.verify(f"{scenario}:{unique()}", IP, "generate") == verdict
    assert len(service.asked) == 1
    assert service.asked[0]["remoteip"] == IP
    assert ("idempotency_key" in service.asked[0]) == (provider == "turnstile")
    assert service.asked[0].get("sitekey") == (None if provider == "turnstile" else "site-key")


async def test_a_token_for_something_else_does_not_count(service: CaptchaStandIn, redis: Redis):
    assert await of(service, redis).verify(f"other-action:{unique()}", IP, "generate") == "fail"


async def test_of_many_who_bring_one_token_at_once_one_passes(
    service: CaptchaStandIn, redis: Redis
):
    token = f"pass:{unique()}"

    verdicts = await asyncio.gather(
        *(of(service, redis).verify(token, IP, "generate") for _ in range(50))
    )

    assert sorted(verdicts) == ["fail"] * 49 + ["ok"]
    assert len(service.asked) == 1


async def test_a_token_is_not_lost_while_the_service_is_away(service: CaptchaStandIn, redis: Redis):
    token = f"pass:{unique()}"
    away = of(service, redis, address="http://127.0.0.1:9/")

    assert await away.verify(token, IP, "generate") == "unavailable"
    assert await of(service, redis).verify(token, IP, "generate") == "ok"
    assert await of(service, redis).verify(token, IP, "generate") == "fail"


async def test_a_service_that_hangs_is_not_waited_for(
    service: CaptchaStandIn, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(captcha, "DEADLINE_S", 0.2)

    assert await of(service, redis).verify(f"hang:{unique()}", IP, "generate") == "unavailable"


async def test_tokens_are_never_kept(service: CaptchaStandIn, redis: Redis):
    token = f"pass:{unique()}"
    await of(service, redis).verify(token, IP, "generate")

    kept = await redis.keys("*")

    assert kept
    assert not [name for name in kept if token.encode() in name]
