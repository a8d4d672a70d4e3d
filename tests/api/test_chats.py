"""Chats over HTTP, before anybody answers: whose they are, how they stand, what is refused."""

from dataclasses import replace
from uuid import uuid4

import pytest
from markdown_it import MarkdownIt

from api.chat_markdown import chat_markdown
from api.schemas.chat_messages import ChatMessageOut
from api.schemas.chats import ChatOut
from db.models import ChatSession
from domain.chat.history import branch
from tests.fixtures.api import api_client
from tests.fixtures.generation import MODEL

OTHER = "anthropic/claude-haiku"


@pytest.fixture
async def models(make):
    await make.model(MODEL)
    await make.model(OTHER)
    await make.model("openai/no-tools", parameters=["max_completion_tokens"])


async def begin(api, **wish):
    answer = await api.post("/api/chats", json=wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_chat_is_about_one_factoid_or_about_all(api, models, make):
    factoid = await make.factoid()

    about_one = await begin(api, factoid_id=str(factoid.id), model=OTHER, title=" Venus \n today ")
    about_all = await begin(api)

    assert (about_one["factoid_id"], about_one["model"]) == (str(factoid.id), OTHER)
    assert (about_one["title"], about_one["status"]) == ("Venus today", "idle")
    assert (about_all["factoid_id"], about_all["title"]) == (None, "New chat")
    assert about_all["model"] in {MODEL, OTHER}
    listed = (await api.get("/api/chats")).json()
    assert [one["id"] for one in listed["items"]] == [about_all["id"], about_one["id"]]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        pytest.param({"factoid_id": str(uuid4())}, "/factoid_id", id="no such factoid"),
        pytest.param({"model": "openai/no-tools"}, "/model", id="a model without tools"),
        pytest.param({"model": "who/ever"}, "/model", id="a model nobody offers"),
        pytest.param({"title": "é" * 121}, "/title", id="a title that is too long"),
        pytest.param({"owner_id": str(uuid4())}, "", id="a field that is not there"),
    ],
)
async def test_a_chat_that_cannot_be_is_refused(api, models, wish, field):
    answer = await api.post("/api/chats", json=wish)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == field


async def test_models_say_whether_a_chat_can_have_them(api, models):
    listed = (await api.get("/api/models")).json()["items"]

    assert {one["id"]: one["chats"] for one in listed} == {
        MODEL: True,
        OTHER: True,
        "openai/no-tools": False,
    }


async def test_lists_are_paged_and_a_cursor_is_its_owners(api, app, models):
    ids = [(await begin(api))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/api/chats", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        cursor, last = page["next_cursor"], cursor
        if cursor is None:
            break

    assert seen == ids[::-1]
    async with api_client(app, "192.0.2.9") as other:
        await begin(other)
        assert (await other.get("/api/chats", params={"cursor": last})).status_code == 400


async def test_a_message_is_accepted_once_however_often_it_is_sent(api, models):
    chat = await begin(api)
    path, key = f"/api/chats/{chat['id']}/messages", {"Idempotency-Key": str(uuid4())}

    first = await api.post(path, json={"text": "Why?"}, headers=key)
    again = await api.post(path, json={"text": "Why?"}, headers=key)
    other = await api.post(path, json={"text": "How?"})

    assert (first.status_code, first.json()["status"]) == (202, "queued")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "turn_under_way")
    shown = (await api.get(f"/api/chats/{chat['id']}")).json()
    assert (shown["title"], shown["status"]) == ("Why?", "answering")
    assert [(one["role"], one["status"]) for one in shown["messages"]] == [
        ("user", "done"),
        ("assistant", "writing"),
    ]
    assert shown["messages"][1]["id"] == first.json()["answer_id"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(" \n\t\u200b ", id="nothing to see"),
        pytest.param("é" * 2_001, id="too many characters"),
        pytest.param("x" * 4_001, id="far too many"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_before_it_costs(api, models, text):
    chat = await begin(api)

    answer = await api.post(f"/api/chats/{chat['id']}/messages", json={"text": text})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/text"
    assert (await api.get(f"/api/chats/{chat['id']}")).json()["messages"] == []


async def test_a_message_keeps_its_lines_and_nothing_hidden(api, models):
    chat = await begin(api)

    await api.post(f"/api/chats/{chat['id']}/messages", json={"text": "Two\n  lin\u202ees\u200b"})

    (question, _) = (await api.get(f"/api/chats/{chat['id']}")).json()["messages"]
    assert question["text"] == "Two\n  lines"


async def test_the_model_can_be_changed_until_the_first_message(api, models):
    chat = await begin(api, model=MODEL)
    path = f"/api/chats/{chat['id']}"

    changed = await api.patch(path, json={"model": OTHER, "title": "Hives"})
    await api.post(f"{path}/messages", json={"text": "Why?"})
    fixed = await api.patch(path, json={"model": MODEL})

    assert (changed.json()["model"], changed.json()["title"]) == (OTHER, "Hives")
    assert (fixed.status_code, fixed.json()["code"]) == (409, "model_fixed")
    assert (await api.get(path)).json()["model"] == OTHER


async def test_an_answer_nobody_has_begun_is_stopped_at_once_and_costs_nothing(api, models, app):
    chat = await begin(api)
    path = f"/api/chats/{chat['id']}"
    before = (await api.get(f"{path}/quote")).json()
    await api.post(f"{path}/messages", json={"text": "Why?"})
    held = (await api.get(f"{path}/quote")).json()

    stopped = await api.delete(f"{path}/turns/current")
    after = (await api.get(f"{path}/quote")).json()

    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    assert (await api.delete(f"{path}/turns/current")).status_code == 409
    assert before["allowed"]
    assert not held["allowed"]
    assert float(held["budget_left_usd"]) < float(before["budget_left_usd"])
    for quote in (before, after):
        quote["budget_left_usd"] = float(quote["budget_left_usd"])
    assert after == before
    assert after["messages_left"] == 10
    shown = (await api.get(path)).json()
    assert (shown["status"], shown["usage"]["cost_usd"]) == ("idle", "0")
    assert shown["messages"][1]["status"] == "stopped"


async def test_what_was_said_can_be_said_otherwise_and_both_branches_stay(api, models):
    chat = await begin(api)
    path = f"/api/chats/{chat['id']}"
    first = (await api.post(f"{path}/messages", json={"text": "Why?"})).json()
    await api.delete(f"{path}/turns/current")

    edit = {"text": "How?", "edit_of": first["question"]["id"]}
    second = (await api.post(f"{path}/messages", json=edit)).json()
    await api.delete(f"{path}/turns/current")
    shown = (await api.get(path)).json()["messages"]
    beside = [first["question"]["id"], second["question"]["id"]]
    assert [(one["text"], one["siblings"]) for one in shown[:1]] == [("How?", beside)]

    back = (await api.patch(path, json={"branch": first["question"]["id"]})).json()["messages"]
    assert [one["id"] for one in back] == [first["question"]["id"], first["answer_id"]]

    again = await api.post(f"{path}/messages/{first['answer_id']}/regenerate")
    assert again.status_code == 202
    answer = (await api.get(path)).json()["messages"][-1]
    assert answer["siblings"] == [first["answer_id"], again.json()["answer_id"]]
    wrong = await api.post(f"{path}/messages", json={"text": "x", "edit_of": first["answer_id"]})
    assert wrong.status_code == 422


async def test_a_chat_is_shared_by_a_link_as_it_was_then(api, app, models):
    chat = await begin(api)
    path = f"/api/chats/{chat['id']}"
    assert (await api.post(f"{path}/share")).status_code == 409
    await api.post(f"{path}/messages", json={"text": "Why?"})
    await api.delete(f"{path}/turns/current")

    link = (await api.post(f"{path}/share")).json()
    await api.post(f"{path}/messages", json={"text": "A secret, said later"})

    async with api_client(app, "192.0.2.9") as stranger:
        shared = await stranger.get(f"/api/shared/{link['token']}")
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.get("/api/shared/" + "x" * 43)).status_code == 404
        assert shared.status_code == 200
        assert [one["text"] for one in shared.json()["messages"]] == ["Why?", ""]
        assert not {"cost_usd", "usage", "id", "owner_id"} & set(shared.json())
        assert (await api.delete(f"{path}/share")).status_code == 204
        assert (await stranger.get(f"/api/shared/{link['token']}")).status_code == 404


async def test_a_deleted_chat_keeps_nothing_of_what_was_said(api, models, database):
    chat = await begin(api, title="Private matters")
    path = f"/api/chats/{chat['id']}"
    await api.post(f"{path}/messages", json={"text": "Why?"})

    assert (await api.delete(path)).status_code == 204

    assert (await api.get(path)).status_code == 404
    assert (await api.delete(path)).status_code == 404
    assert (await api.get("/api/chats")).json()["items"] == []
    async with database.sessions() as session:
        row = await session.get(ChatSession, chat["id"])
        assert (row.title, row.factoid_id, row.leaf_id) == ("", None, None)
    assert branch([], None) == []


async def test_a_chat_is_exported_with_its_sources(api, models):
    chat = await begin(api, title="Hives")
    path = f"/api/chats/{chat['id']}"
    await api.post(f"{path}/messages", json={"text": "Why?"})

    markdown = await api.get(f"{path}/export", params={"format": "md"})
    whole = await api.get(f"{path}/export", params={"format": "json"})

    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.text.startswith("# Hives\n")
    assert "\n## You\n\nWhy?\n" in markdown.text
    assert whole.json() == (await api.get(path)).json()
    assert "attachment" in whole.headers["content-disposition"]


@pytest.mark.parametrize(
    "text",
    [
        "Three [1].\n\n[1]: https://evil.example",
        "Three [1](https://evil.example).",
        "Three [[1]](https://evil.example) and [**1**](https://evil.example).",
        "Three [1][e] and [2, 3](https://evil.example) and [¹](https://evil.example).",
    ],
)
def test_an_exported_text_gives_no_citation_another_address(text):
    answer = replace(ChatMessageOut.example(), text=text, sources=[])
    chat = replace(ChatOut.example(), messages=[answer])

    rendered = MarkdownIt("commonmark").render(chat_markdown(chat))

    assert "<a" not in rendered
    assert "https://evil.example" in rendered or "[e]" in text


async def test_a_key_talks_only_with_the_scope_for_it(api, app, models):
    made = await api.post("/api/keys", json={"name": "x", "scopes": ["read", "chat"]})
    reading = await api.post("/api/keys", json={"name": "y", "scopes": ["read"]})

    async with api_client(app) as script:
        script.headers["Authorization"] = f"Bearer {made.json()['token']}"
        chat = await begin(script)
        said = await script.post(f"/api/chats/{chat['id']}/messages", json={"text": "Why?"})
        script.headers["Authorization"] = f"Bearer {reading.json()['token']}"
        refused = await script.get("/api/chats")

    assert said.status_code == 202
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


async def test_only_the_chats_about_one_factoid_are_listed(api, models, make):
    factoid, other = await make.factoid(), await make.factoid("Wombats have cubes.")
    mine = [await begin(api, factoid_id=str(factoid.id)) for _ in range(3)]
    for _ in range(2):
        await begin(api)
        await begin(api, factoid_id=str(other.id))
    about = {"factoid_id": str(factoid.id), "limit": 2}

    first = (await api.get("/api/chats", params=about)).json()
    rest = (await api.get("/api/chats", params=about | {"cursor": first["next_cursor"]})).json()
    foreign = await api.get("/api/chats", params={"cursor": first["next_cursor"]})
    broken = await api.get("/api/chats", params=about | {"factoid_id": f"{factoid.id}\n"})
    nonsense = await api.get("/api/chats", params={"factoid_id": "null"})

    found = [one["id"] for one in (*first["items"], *rest["items"])]
    assert found == [one["id"] for one in reversed(mine)]
    assert (foreign.status_code, foreign.json()["code"]) == (400, "invalid_cursor")
    assert broken.json()["items"] == first["items"]
    assert (nonsense.status_code, nonsense.json()["code"]) == (422, "invalid")


async def test_the_first_message_has_a_price_before_there_is_a_chat(api, models):
    anybody = (await api.get("/api/chats/quote")).json()
    asked = (await api.get("/api/chats/quote", params={"model": OTHER})).json()
    begun = await begin(api, model=OTHER)

    assert anybody["allowed"]
    assert anybody["messages_left"] == 10
    assert asked == (await api.get(f"/api/chats/{begun['id']}/quote")).json()
    nobody = await api.get("/api/chats/quote", params={"model": "openai/no-tools"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "unknown_model")


async def test_without_models_the_first_message_has_no_price(api):
    answer = await api.get("/api/chats/quote")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_models")
