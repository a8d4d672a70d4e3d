"""Each refused generation is counted once, under its reason, whoever refused it."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from db.models import RateLimitSnapshot
from domain.limits import limit_stats
from tests.factories import unique
from tests.limits import end_the_minute
from tests.processes import RunningAPI, running_api
from tests.standins.captcha import running_captcha

GENERATE = "/api/factoids/generate"


@pytest.fixture(scope="module")
async def strict(empty_database: None) -> AsyncGenerator[RunningAPI]:
    """One generation an hour, and a captcha after two refusals."""
    async with (
        running_captcha() as service,
        running_api(
            GENERATE_LIMITS="1/3600",
            KEY_GENERATE_LIMITS="1/3600",
            CAPTCHA_PROVIDER="turnstile",
            CAPTCHA_SITE_KEY="site-key",
            CAPTCHA_SECRET="secret",
            CAPTCHA_VERIFY_URL=f"{service.base_url}/turnstile",
            CAPTCHA_AFTER_REFUSALS="2",
        ) as api,
    ):
        yield api


@pytest.fixture(scope="module")
async def poor(empty_database: None) -> AsyncGenerator[RunningAPI]:
    """No money for any visitor or key."""
    async with running_api(BUDGET_VISITOR_USD="0", BUDGET_KEY_USD="0") as api:
        yield api


async def told(client: httpx.AsyncClient, **sent: Any) -> str:
    """The code of the refusal, or that there was none."""
    sent.setdefault("json", {})
    answer = await client.post(GENERATE, **sent)
    return answer.json().get("code", answer.json().get("status"))


async def with_key(client: httpx.AsyncClient) -> dict[str, str]:
    made = await client.post("/api/keys", json={"name": "counted"})
    return {"Authorization": f"Bearer {made.json()['token']}"}


async def counted(redis: Any, database: Any) -> dict[tuple[str, str], tuple[int, int]]:
    """Admitted and refused, as the job keeps them, by kind of caller and by reason or window."""
    await end_the_minute(redis)
    await limit_stats.save_counts(redis, database.sessions)
    admitted: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    async with database.sessions() as session:
        for row in await session.scalars(select(RateLimitSnapshot).filter_by(policy="generate")):
            admitted[row.caller_kind, row.window] += row.admitted
            refused[row.caller_kind, row.window] += row.refused
    return {one: (admitted[one], refused[one]) for one in admitted}


async def test_refusals_by_limit_captcha_and_a_captcha_that_is_away(strict, redis, database, model):
    async with strict.client() as client:
        key = await with_key(client)
        codes = [await told(client) for _ in range(6)]
        wrong = await told(client, json={"captcha_token": f"fail:{unique()}"})
        away = await told(client, json={"captcha_token": f"error-500:{unique()}"})
        proven = await told(client, json={"captcha_token": f"pass:{unique()}"})
        by_key = [await told(client, headers=key) for _ in range(3)]

    assert codes == ["queued", *["generation_limit"] * 2, *["captcha_required"] * 3]
    assert [wrong, away, proven] == ["captcha_required", "captcha_unavailable", "generation_limit"]
    assert by_key == ["queued", "generation_limit", "generation_limit"]
    assert await counted(redis, database) == {
        ("visitor", "hour"): (1, 3),
        ("visitor", "captcha"): (0, 4),
        ("visitor", "captcha_away"): (0, 1),
        ("key", "hour"): (1, 2),
    }


async def test_refusals_by_the_budget(poor, redis, database, model):
    async with poor.client() as client:
        key = await with_key(client)
        codes = [await told(client) for _ in range(3)]
        by_key = [await told(client, headers=key) for _ in range(2)]

    assert codes + by_key == ["budget_used_up"] * 5
    counts = await counted(redis, database)
    assert counts["visitor", "budget"] == (0, 3)
    assert counts["key", "budget"] == (0, 2)
    assert {reason for _, reason in counts} == {"budget", "minute", "hour", "day"}


async def test_nothing_refused_is_nothing_counted_but_what_was_admitted(
    strict, redis, database, model
):
    async with strict.client() as client:
        assert await told(client) == "queued"

    assert await counted(redis, database) == {("visitor", "hour"): (1, 0)}
