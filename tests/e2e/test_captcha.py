"""The proof of being human: asked for only when the API asks, and never in the way of reading."""

from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect
from redis.asyncio import Redis

from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import HOST, Site, running_site
from tests.factories import Factories
from tests.standins.captcha import CaptchaStandIn, running_captcha
from tests.standins.openrouter.running import RunningOpenRouter

VENDOR = "https://challenges.cloudflare.com/"

WIDGET = """
globalThis.turnstile = {
    render(box, wanted) {
        const button = document.createElement("button");
        button.type = "button";
        button.id = "human";
        button.textContent = `I am human, says ${wanted.sitekey}`;
        button.onclick = () => wanted.callback(`pass:${wanted.action}:${Math.random()}`);
        box.append(button);
        return "widget";
    },
    reset() {},
};
globalThis[new URL(document.currentScript.src).searchParams.get("onload")]();
"""
"""In the place of the vendor's script: the same names, and a button for its puzzle."""


@pytest.fixture(scope="module")
async def service() -> AsyncGenerator[CaptchaStandIn]:
    async with running_captcha(hostname=HOST) as standin:
        yield standin


@pytest.fixture(scope="module")
async def asking_stack(
    stack: Site, model_server: RunningOpenRouter, service: CaptchaStandIn
) -> AsyncGenerator[Site]:
    async with running_site(
        OPENROUTER_BASE_URL=model_server.base_url,
        GENERATE_LIMITS="1/3600",
        CAPTCHA_PROVIDER="turnstile",
        CAPTCHA_SITE_KEY="site-key",
        CAPTCHA_SECRET="secret",
        CAPTCHA_VERIFY_URL=f"{service.base_url}/turnstile",
        CAPTCHA_AFTER_REFUSALS="1",
    ) as site:
        yield site


@pytest.fixture
async def asking_site(asking_stack: Site, site: Site) -> Site:
    """A site that asks whoever was refused once."""
    return asking_stack


async def serve_widget(page: Page) -> list[str]:
    """Play the vendor; the addresses that were asked for."""
    asked: list[str] = []

    async def answer(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(content_type="text/javascript", body=WIDGET)

    await page.context.route(f"{VENDOR}**", answer)
    return asked


async def be_refused(visitor: Visitor) -> None:
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    await visitor.page.locator("#topic").press("Enter")
    await expect(visitor.problem).to_be_visible()


async def until_there_is_one_more(redis: Redis, visitor: Visitor) -> None:
    """The hour passes."""
    await redis.delete(*[key async for key in redis.scan_iter("limit:generate:*")])
    await visitor.reload()
    await expect(visitor.page.locator("#generate")).to_have_text("Generate factoid")


async def test_who_was_refused_proves_to_be_human_and_goes_on(
    asking_site: Site, service: CaptchaStandIn, redis: Redis, visitors: NewVisitor
):
    visitor = await visitors(at=asking_site)
    visitor.forgive(f"foreign: {VENDOR}")
    asked = await serve_widget(visitor.page)
    await visitor.open()
    captcha = visitor.page.locator("#captcha")
    await expect(visitor.page.locator("#limits")).to_contain_text("Free for you")
    await expect(captcha).to_have_count(0)
    assert asked == []
    await be_refused(visitor)
    await expect(captcha).to_be_visible()
    await expect(visitor.page.locator("#human")).to_be_visible()
    assert [urlsplit(address).path for address in asked] == ["/turnstile/v0/api.js"]
    await expect_good_for_everybody(visitor)
    await until_there_is_one_more(redis, visitor)
    # Without the proof nothing is written, and what is asked for is said.
    await visitor.generate("Mars")
    await expect(visitor.problem).to_contain_text("One quick check first")
    await visitor.page.locator("#human").click()
    await expect(captcha).to_have_attribute("data-state", "done")
    await visitor.generate("Mars")
    await expect(visitor.result).to_be_visible()
    await visitor.until_generations(2)
    assert service.asked[-1]["response"].startswith("pass:generate")
    await expect(captcha).to_have_count(0)


async def test_without_the_vendor_only_new_facts_have_to_wait(
    make: Factories, asking_site: Site, visitors: NewVisitor
):
    factoid = await make.factoid()
    visitor = await visitors(at=asking_site)
    visitor.forgive(r"challenges\.cloudflare|ERR_FAILED")
    await visitor.page.context.route(f"{VENDOR}**", lambda route: route.abort())
    await visitor.open()
    await be_refused(visitor)
    captcha = visitor.page.locator("#captcha")
    await expect(captcha).to_have_attribute("data-state", "missing")
    await expect(captcha).to_contain_text("could not be loaded")
    await expect_good_for_everybody(visitor)
    await visitor.card(factoid.id, "#facts").vote(1)
    await visitor.until_saved(factoid.id, up=1, down=0)
    # The vendor is back, and one press fetches the check.
    await visitor.page.context.unroute(f"{VENDOR}**")
    await serve_widget(visitor.page)
    await captcha.get_by_role("button", name="Try again").click()
    await expect(visitor.page.locator("#human")).to_be_visible()
