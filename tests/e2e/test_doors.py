"""What comes from models, addresses and strangers' sockets stays harmless."""

import base64
import os
import re
from typing import Any

import httpx
from playwright.async_api import expect

from tests.e2e.browser import Visitor, Wire
from tests.e2e.stack import Site
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter

MARKUP = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> </script></noscript></body>"
    "<iframe srcdoc='<script>alert(3)</script>'></iframe> {{7*7}} ${7*7} [x](javascript:alert(4))"
)
FOREIGN = ("http://evil.example", "https://evil.example", "null", "http://127.0.0.1:1")

HOSTILE_ARGUMENTS: list[Any] = [
    {},
    {"factoid_id": "1; drop", "value": 1},
    {"factoid_id": {"$ne": 1}, "value": [1]},
    {"factoid_id": "0" * 2_000, "value": 10**30},
    {"form": "text"},
    {"form": {"topic": {"a": 1}, "model": ["x"]}},
    {"form": None},
    {"visible": "yes"},
    {"how": {"toString": "x"}},
    {"a": 1, "b": 2},
    ["not", "a", "mapping"],
    None,
]

TALK = """async ([names, everything]) => {
    const address = location.origin.replace("http", "ws")
        + "/_event/?EIO=4&transport=websocket&token=" + crypto.randomUUID();
    const say = (name) => new Promise((done) => {
        const socket = new WebSocket(address);
        socket.onmessage = ({ data }) => {
            if (data[0] === "0") socket.send("40/_event,");
            if (!data.startsWith("40/_event")) return;
            const frames = everything.flatMap((payload) => [
                JSON.stringify(["event", { name, payload, router_data: {} }]),
                JSON.stringify(["event", payload]),
            ]);
            for (const frame of [...frames, "[" + "[".repeat(500)]) {
                socket.send("42/_event," + frame);
            }
            done("said");
            socket.close();
        };
        socket.onclose = () => done("closed");
    });
    return await Promise.all(names.map(say));
}"""


async def test_markup_a_model_writes_is_only_words_while_it_is_written(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open()
    await openrouter.queue("injection", "gated:4")
    await visitor.generate("Venus")
    # Markup makes the answer unusable, so the model is asked once more.
    await openrouter.wait_at_gate()
    await expect(visitor.stage).to_have_attribute("data-stage", re.compile("writing|retrying"))
    await expect(visitor.draft.locator("*")).to_have_count(0)
    await openrouter.open()
    await expect(visitor.result).to_be_visible()
    await expect(visitor.result).not_to_contain_text("script")


async def test_markup_in_a_fact_is_shown_as_the_words_it_is(make: Factories, visitor: Visitor):
    factoid = await make.factoid(f"Iframe {MARKUP}", subject=f"S {MARKUP}"[:255])
    card = visitor.card(factoid.id)
    for path in ("/", "/?q=iframe", f"/f/{factoid.id}"):
        await visitor.open(path)
        await expect(card.locator).to_contain_text("<img src=x onerror=alert(2)>")
        await expect(card.locator).to_contain_text("{{7*7}} ${7*7}")
        await expect(visitor.page.locator("iframe, [onerror], img[src=x]")).to_have_count(0)
        await expect(card.locator.locator("a[href^='javascript']")).to_have_count(0)


async def test_markup_in_an_address_is_shown_as_the_words_it_is(visitor: Visitor):
    await visitor.open("/?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&category=%3Cb%3E")
    await expect(visitor.page.locator("#empty")).to_contain_text("“<img src=x onerror=alert(1)>”")
    await expect(visitor.page.locator("img[src=x]")).to_have_count(0)


async def test_a_page_from_elsewhere_cannot_open_our_socket(site: Site):
    assert await knock(site, site.origin) == 101
    assert [await knock(site, origin) for origin in FOREIGN] == [403] * len(FOREIGN)


async def test_events_with_wrong_arguments_hurt_nobody(
    make: Factories, site: Site, visitor: Visitor
):
    factoid = await make.factoid()
    wire = await Wire.of(visitor.page)
    await visitor.open()
    await visitor.generate("planets " * 20)
    await expect(visitor.problem).to_be_visible()
    await visitor.card(factoid.id).vote(1)
    await visitor.card(factoid.id).feedback.get_by_role("button", name="Submit feedback").click()
    await visitor.until_saved(factoid.id, up=1, down=0)
    spoken = set(re.findall(r'"name":"(reflex___state[^"]+)"', "".join(wire.sent)))
    known = {name for name in spoken if name.split(".")[-1] in OURS}
    assert {name.split(".")[-1] for name in known} >= {"vote", "start", "send_feedback"}, spoken
    invented = {re.sub(r"\w+$", "_show", name) for name in known} | {"x", "__class__", ""}
    # Whatever is no event ends a stranger's connection, which may be in the middle of its words.
    visitor.forgive("WebSocket is already in CLOSING or CLOSED state")
    outcomes = await visitor.page.evaluate(TALK, [sorted(known | invented), HOSTILE_ARGUMENTS])
    assert set(outcomes) == {"said"}
    # The page beside it noticed nothing, and the server still serves.
    await visitor.card(factoid.id).vote(-1)
    await visitor.until_saved(factoid.id, up=0, down=1)
    await visitor.reload()
    await visitor.card(factoid.id).expect_votes(up=0, down=1, mine=-1)


OURS = {"vote", "send_feedback", "start", "cancel", "open", "more", "shared", "resume", "dismiss"}


async def test_the_documentation_works_without_any_other_host(visitor: Visitor):
    async def refuse(route: Any) -> None:
        await route.abort()

    await visitor.context.route(lambda address: not address.startswith(visitor.origin), refuse)
    await visitor.page.goto(f"{visitor.origin}/docs")
    operation = visitor.page.locator("#operations-Factoids-ListFactoids")
    await expect(operation).to_contain_text("/api/factoids")
    await operation.locator("button").first.click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    await expect(operation.locator(".live-responses-table")).to_contain_text('"items": []')


async def knock(site: Site, origin: str) -> int:
    """The answer to a browser that asks for a websocket for a page of this origin."""
    asked = {
        "Origin": origin,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    tab = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    address = f"{site.origin}/_event/?EIO=4&transport=websocket&token={tab}"
    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", address, headers=asked) as answer,
    ):
        return answer.status_code
