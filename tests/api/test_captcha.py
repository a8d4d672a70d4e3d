"""Who was refused too often is asked to prove to be a person; nobody else is."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from tests.api.test_credits import become
from tests.api.test_problems import check_problem
from tests.factories import Factories, unique
from tests.processes import RunningAPI, running_api
from tests.standins.captcha import CaptchaStandIn, running_captcha

AFTER = 3
GENERATE = "/api/factoids/generate"
ASKED = {"provider": "turnstile", "site_key": "site-key"}
TRUSTED = {"x-forwarded-for": "192.0.2.1"}
ELSEWHERE = {"x-forwarded-for": "198.51.100.1"}


@pytest.fixture(scope="module")
async def service() -> AsyncGenerator[CaptchaStandIn]:
    async with running_captcha() as standin:
        yield standin


@pytest.fixture(scope="module")
async def asking(empty_database: None, service: CaptchaStandIn) -> AsyncGenerator[RunningAPI]:
    """An API with one generation an hour that asks after three refusals."""
    async with running_api(
        GENERATE_LIMITS="1/3600",
        CAPTCHA_PROVIDER="turnstile",
        CAPTCHA_SITE_KEY="site-key",
        CAPTCHA_SECRET="secret",
        CAPTCHA_VERIFY_URL=f"{service.base_url}/turnstile",
        CAPTCHA_AFTER_REFUSALS=str(AFTER),
        TRUSTED_PROXY_HOPS="1",
    ) as api:
        yield api


@pytest.fixture
async def visitor(
    asking: RunningAPI, make: Factories, service: CaptchaStandIn
) -> AsyncGenerator[httpx.AsyncClient]:
    await make.model()
    service.asked.clear()
    async with asking.client(headers=TRUSTED) as client:
        yield client


async def refused_often(client: httpx.AsyncClient) -> None:
    """Use the share up and go on asking."""
    assert (await client.post(GENERATE, json={})).status_code == 202
    for _ in range(AFTER):
        check_problem(await client.post(GENERATE, json={}), 429)


async def generate(client: httpx.AsyncClient, token: str | None = None) -> httpx.Response:
    body: dict[str, Any] = {"captcha_token": token} if token else {}
    return await client.post(GENERATE, json=body)


async def test_nobody_is_asked_before_they_were_refused_often(visitor: httpx.AsyncClient):
    assert (await visitor.get("/api/factoids/limits")).json()["captcha"] is None
    await refused_often(visitor)

    asked = check_problem(await generate(visitor), 403)

    assert (asked["code"], asked["captcha"]) == ("captcha_required", ASKED)
    assert (await visitor.get("/api/factoids/limits")).json()["captcha"] == ASKED


async def test_a_new_cookie_does_not_help_but_another_network_is_not_asked(
    asking: RunningAPI, visitor: httpx.AsyncClient
):
    await refused_often(visitor)

    async with asking.client(headers=TRUSTED) as fresh, asking.client(headers=ELSEWHERE) as other:
        assert check_problem(await generate(fresh), 403)["code"] == "captcha_required"
        assert (await generate(other)).status_code == 202


async def test_a_proof_counts_once_and_lifts_no_limit(visitor: httpx.AsyncClient):
    await refused_often(visitor)
    token = f"pass:{unique()}"

    # The proof is taken; what is used up stays used up.
    assert check_problem(await generate(visitor, token), 429)["code"] == "generation_limit"
    assert (await visitor.get("/api/factoids/limits")).json()["captcha"] is None
    for _ in range(AFTER - 1):
        check_problem(await generate(visitor), 429)
    assert check_problem(await generate(visitor, token), 403)["code"] == "captcha_required"


@pytest.mark.parametrize("scenario", ["fail", "duplicate", "other-host", "other-action", "junk"])
async def test_a_wrong_proof_is_none(visitor: httpx.AsyncClient, scenario: str):
    await refused_often(visitor)

    told = check_problem(await generate(visitor, f"{scenario}:{unique()}"), 403)

    assert (told["code"], told["captcha"]) == ("captcha_required", ASKED)


@pytest.mark.parametrize("scenario", ["internal-error", "error-500", "redirect", "hang"])
async def test_while_the_service_is_away_only_generating_waits(
    visitor: httpx.AsyncClient, make: Factories, scenario: str
):
    factoid = await make.factoid()
    await refused_often(visitor)

    answer = await generate(visitor, f"{scenario}:{unique()}")

    told = check_problem(answer, 503)
    assert told["code"] == "captcha_unavailable"
    assert int(answer.headers["retry-after"]) == told["retry_after_s"] > 0
    vote = await visitor.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
    assert vote.json()["votes_up"] == 1
    assert (await visitor.get("/api/factoids")).status_code == 200


async def test_a_token_nobody_asked_for_is_not_looked_at(
    visitor: httpx.AsyncClient, service: CaptchaStandIn, redis: Redis
):
    assert (await generate(visitor, "pass:early")).status_code == 202

    assert service.asked == []


async def test_without_keys_nobody_is_ever_asked(make: Factories):
    await make.model()
    async with running_api(GENERATE_LIMITS="1/3600") as api, api.client() as client:
        assert (await generate(client)).status_code == 202
        for _ in range(12):
            check_problem(await generate(client), 429)


@pytest.mark.parametrize("token", ["", "x" * 8_001, 7, ["x"], "a\0b", None])
async def test_a_token_is_a_short_text(visitor: httpx.AsyncClient, token: Any):
    answer = await visitor.post(GENERATE, json={"captcha_token": token})

    assert answer.status_code == (202 if token is None else 422)


async def test_who_pays_with_a_credit_is_not_asked(visitor, database):
    account = await become(visitor, database)
    await account.buy(1)
    await refused_often(visitor)
    check_problem(await visitor.post(GENERATE, json={}), 403)

    answer = await visitor.post(GENERATE, json={"pay_with": "credit"})

    assert (answer.status_code, answer.json()["receipt"]["credit"]) == (202, "held")
