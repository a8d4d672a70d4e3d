"""Markup, scripts, links and images as a model's answer: words on every page, or refused."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import emoji
import httpx
import pytest

from domain.generation.answer import UnusableAnswer, read_answer
from domain.text import clean
from tests.configuration import settings
from tests.factories import NUMBERS
from tests.proof import sample
from web.client import api as client
from web.pages import PAGES
from web.server.page import Build
from web.server.prerender import Prerenderer

CORPUS: dict[str, list[str]] = json.loads((Path(__file__).parent / "markup.json").read_text())
PAYLOADS = [payload for payloads in CORPUS.values() for payload in payloads]
HARMLESS = "Honey never spoils"
PAGE = (
    "<!DOCTYPE html><html><head><title>Facts</title></head>"
    '<body><div id="root"></div><script src="/live.js">"</body>"</script></body></html>'
)
LEADS_SOMEWHERE = re.compile(
    r"https?://|javascript:|\]\(|<(?:script|img|a|iframe)\b", re.IGNORECASE
)
"""What no published text or subject holds, whoever may make a link of plain words."""


class Structure(HTMLParser):
    """Tags with the names of their attributes, and the values of those that lead somewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.meta: dict[str, str] = {}
        self.linked = ""
        self._in = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self._in = values.get("type") or tag
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [v for name, v in attrs if name in ("href", "src") and v]
        if tag == "meta":
            name = values.get("property") or values.get("name") or ""
            self.meta[name] = values.get("content") or ""

    def handle_endtag(self, tag):
        self._in = ""
        self.tags.append((f"/{tag}", ()))

    def handle_comment(self, data):
        self.tags.append(("comment", ()))

    def handle_data(self, data):
        self.words.append(data)
        if self._in == "application/ld+json":
            self.linked += data


@pytest.fixture
async def pages(database, app, tmp_path):
    """The first HTML of the site over this process' API, the feed's never kept."""
    for name in ("index.html", "404.html", "keys.html"):
        (tmp_path / name).write_text(PAGE)

    async def page(path: str) -> str:
        transport = httpx.ASGITransport(app=Prerenderer(app, PAGES, Build(tmp_path, settings)))
        async with httpx.AsyncClient(transport=transport, base_url="http://factoids.test") as one:
            answer = await one.get(path)
        assert answer.status_code == 200
        return answer.text

    client.use_app(app)
    yield page
    client.use_app(None)


def test_there_are_a_hundred_and_fifty_different_payloads():
    assert len(set(PAYLOADS)) >= 150


async def test_stored_markup_adds_no_tag_attribute_or_address_to_a_factoids_page(pages, make):
    harmless = await make.factoid(HARMLESS, subject=HARMLESS)
    model = Structure(await pages(f"/f/{harmless.id}"))
    for payload in sample(PAYLOADS, 50):
        factoid = await make.factoid(f"{payload} {next(NUMBERS)}", subject=payload)
        page = Structure(await pages(f"/f/{factoid.id}"))

        assert page.tags == model.tags
        here = [one.replace(str(harmless.id), str(factoid.id)) for one in model.addresses]
        assert page.addresses == here
        assert page.meta["og:description"] == page.meta["description"] == factoid.text
        assert page.meta["og:title"] == f"🪐 {payload}".strip()
        assert page.meta["og:image"] == model.meta["og:image"]
        linked = json.loads(page.linked)
        assert (linked["headline"], linked["articleBody"]) == (payload, factoid.text)
        assert set(linked) == set(json.loads(model.linked))
        assert "<" not in page.linked
        assert factoid.text in page.words


async def test_stored_markup_adds_no_tag_attribute_or_address_to_the_feeds_page(pages, make):
    for start in range(0, len(PAYLOADS), 20):
        payloads = PAYLOADS[start : start + 20]
        made = [await make.factoid(f"{one} {next(NUMBERS)}", subject=one) for one in payloads]
        page = Structure(await pages("/"))
        items = page.tags.count(("li", ()))

        assert items == min(20, start + len(payloads))
        item = [("li", ()), ("article", ()), ("a", ("href",)), ("span", ("class",))]
        item += [("/span", ()), ("/a", ()), ("/article", ()), ("/li", ())]
        begin, end = page.tags.index(("ol", ())), page.tags.index(("/ol", ()))
        assert page.tags[begin + 1 : end] == item * items
        assert page.tags[end + 1 :] == TAIL
        assert {a for a in page.addresses if a.startswith("/f/")} >= {f"/f/{f.id}" for f in made}
        assert not any("evil" in address or "script:" in address for address in page.addresses)
        assert {f" {one.text}" for one in made} <= set(page.words)


TAIL = [("/div", ()), ("/noscript", ()), ("/body", ()), ("/html", ())]


async def test_stored_markup_is_the_text_it_is_in_the_api(api, make):
    for payload in sample(PAYLOADS, 50):
        factoid = await make.factoid(f"{payload} {next(NUMBERS)}", subject=payload)
        answer = await api.get(f"/api/factoids/{factoid.id}")

        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (answer.json()["text"], answer.json()["subject"]) == (factoid.text, payload)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("part", ["text", "subject", "emoji"])
def test_a_model_that_writes_markup_is_refused_or_has_written_plain_words(payload, part):
    good = {"text": f"{HARMLESS} if dry.", "subject": "Honey", "emoji": "🍯", "category": "food"}
    said = f"{HARMLESS}, {payload} if dry." if part == "text" else payload
    try:
        draft = read_answer(json.dumps(good | {part: said}))
    except UnusableAnswer:
        return
    if part == "emoji":
        assert emoji.is_emoji(draft.emoji)
    else:
        assert getattr(draft, part) == clean(said)
    assert not LEADS_SOMEWHERE.search(draft.text + draft.subject)


async def test_what_a_model_writes_as_markup_is_never_published_as_such(
    generation_harness, standin, database
):
    for payload in sample(PAYLOADS, 20):
        good = {"subject": "Honey", "emoji": "🍯", "category": "food"}
        said = json.dumps(good | {"text": f"{payload} {next(NUMBERS)} is what honey never says."})
        await standin.say(said, said)
        request = await generation_harness.finish(await generation_harness.ask("honey"))
        factoid = await generation_harness.factoid(request)
        if factoid is None:
            assert request.problem_code in ("unusable_answer", "duplicate")
        else:
            assert not LEADS_SOMEWHERE.search(factoid.text)
