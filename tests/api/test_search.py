"""Search: what is found, what is marked, and what must not break it."""

import random
from typing import Any

import pytest

from domain.text import is_text

TEXTS = {
    "octopus": "Octopuses have three hearts, and two of them stop beating while they swim.",
    "venus": "A day on Venus lasts longer than its year.",
    "honey": "Honey found in ancient tombs was still good to eat after 3,000 years.",
    "percent": "About 71% of the Earth is covered by water, and snake_case is no animal.",
    "cafe": "Crème brûlée was burnt on purpose in a café in Österreich.",
}


@pytest.fixture
async def named(make) -> dict[str, str]:
    made = {name: await make.factoid(text, subject=name) for name, text in TEXTS.items()}
    return {str(factoid.id): name for name, factoid in made.items()}


async def search(api, q: str, **more: Any) -> list[dict[str, Any]]:
    answer = await api.get("/api/factoids", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def marked(item: dict[str, Any]) -> list[str]:
    assert "".join(part["text"] for part in item["highlighted"]) == item["text"]
    return [part["text"] for part in item["highlighted"] if part["match"]]


@pytest.mark.parametrize(
    ("q", "found", "marks"),
    [
        ("hearts", "octopus", ["hearts"]),
        ("heart", "octopus", ["hearts"]),
        ("hea", "octopus", ["hearts"]),
        ("beating hea", "octopus", ["hearts", "beating"]),
        ("HEARTS!", "octopus", ["hearts"]),
        ("ancient tomb", "honey", ["ancient", "tombs"]),
        ("hearts & swim | !(x)", "octopus", None),
        ("71%", "percent", ["71"]),
        ("Österreich", "cafe", ["Österreich"]),
        ("cafe\u0301", "cafe", ["café"]),
    ],
)
async def test_words_are_found_and_marked(api, named, q, found, marks):
    items = await search(api, q)

    if marks is None:
        return
    assert [named[item["id"]] for item in items] == [found]
    assert marked(items[0]) == marks


@pytest.mark.parametrize(
    ("q", "found", "mark"),
    [
        ("octpous", "octopus", "Octopuses"),
        ("ancent tombs", "honey", "ancient"),
        ("Vennus", "venus", "Venus"),
        ("heatrs", "octopus", "hearts"),
        ("honny", "honey", "Honey"),
    ],
)
async def test_typing_errors_are_forgiven_and_what_was_meant_is_marked(api, named, q, found, mark):
    items = await search(api, q)

    assert named[items[0]["id"]] == found
    assert mark in marked(items[0])


async def test_without_a_search_nothing_is_marked(api, named):
    items = (await api.get("/api/factoids")).json()["items"]

    assert all(item["highlighted"] == [] for item in items)


@pytest.mark.parametrize("q", ["", "   ", "null", "%", "_", "!!!", "🤯", "\u200b"])
async def test_signs_alone_are_no_search(api, named, q):
    items = await search(api, q)

    assert len(items) == (len(TEXTS) if not q.strip() else 0)


@pytest.mark.parametrize("sort", ["new", "top", "hot", "controversial", "random", "relevance"])
async def test_matches_come_in_any_order_and_page_by_page(api, make, sort):
    wanted = [await make.factoid(f"Planet number {n} has rings.") for n in range(23)]
    await make.factoid("A comet has a tail.")
    met: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        asked = {"q": "planet ring", "sort": sort, "limit": "5", **cursor}
        told = (await api.get("/api/factoids", params=asked)).json()
        met += [item["id"] for item in told["items"]]
        assert all(marked(item) for item in told["items"])
        if told["next_cursor"] is None:
            break
        cursor = {"cursor": told["next_cursor"]}

    assert sorted(met) == sorted(str(one.id) for one in wanted)


async def test_misspelt_matches_page_too(api, make):
    wanted = [await make.factoid(f"Octopus number {n} has a garden.") for n in range(23)]
    first = (await api.get("/api/factoids?q=octpous&limit=20")).json()
    rest = await api.get(
        "/api/factoids", params={"q": "octpous", "limit": 20, "cursor": first["next_cursor"]}
    )

    met = [item["id"] for item in first["items"] + rest.json()["items"]]
    assert sorted(met) == sorted(str(one.id) for one in wanted)


def hostile() -> list[str]:
    """Some 350 strings that mean something to a query language, or nothing to anybody."""
    signs = ["'", '"', "\\", "&", "|", "!", "<->", ":*", ":A", "(", ")", "%", "_", "*", "--", ";"]
    signs += ["\x00", "\ufffe", "\U0010ffff", "\u202e", "\ue000", "\ue001", "ª", "²", "①", "ﬁ"]
    words = [
        "cat",
        "",
        "the",
        "a" * 100,
        "日本語",
        "नमस्ते",
        "مرحبا",
        "e\u0301",
        "ß",
        "İ",
        "𝕏",
        "0x1F",
    ]
    chosen = random.Random(20261121)
    made = [*signs, *words, "cat & ", "!cat", "cat:*ABCD", "'cat' <2> dog", "' OR 1=1 --"]
    made += ["to_tsquery('x')", "%' AND 1=0 --", "$1", "{}", "{{7*7}}", "a b c d e f g h i j k l"]
    made += ["x" * 200, "\u0301" * 200, "👩‍👩‍👧‍👦" * 20, "\r\n", "<b>cat</b>", "-1", "1e400"]
    while len(made) < 350:
        parts = chosen.choices(signs + words, k=chosen.randrange(2, 6))
        made.append(chosen.choice(["", " "]).join(parts)[:200])
    return made


async def test_no_search_breaks_anything(api, named):
    for q in hostile():
        answer = await api.get("/api/factoids", params={"q": q, "limit": 3})
        if not is_text(q):
            assert answer.status_code == 422, q
            continue
        assert answer.status_code == 200, (q, answer.text)
        for item in answer.json()["items"]:
            if item["highlighted"]:
                marked(item)


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=%ED%A0%80", "q=%FF%FE", "q=a&q=b", "q=%F4%90%80%80", "q", "=x", "q=%zz", "&&&"],
)
async def test_odd_addresses_are_answered(served, named, query):
    async with served.client() as client:
        answer = await client.get(f"/api/factoids?{query}")

    assert answer.status_code in {200, 400, 422}, answer.text


async def test_private_use_characters_in_a_text_are_not_marks(api, make):
    await make.factoid("Odd \ue000text\ue001 about walruses.")

    items = await search(api, "walruses")

    assert any(part["match"] and part["text"] == "walruses" for part in items[0]["highlighted"])
