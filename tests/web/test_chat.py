"""The texts of a chat, and an answer while it is written."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from httpx_sse import ServerSentEvent

from api.schemas.chat_messages import ChatMessageOut, ChatProblem, ChatUsageOut, SourceOut
from api.schemas.chats import ChatQuoteOut
from api.schemas.problem import Problem
from tests.web.conftest import state_of
from web.chat.answer import StreamedAnswer
from web.chat.state import ChatState
from web.chat.words import (
    arguments_text,
    messages_left_text,
    meter_text,
    quote_text,
    to_message_view,
    to_refusal,
    to_source_view,
    usage_text,
)
from web.chats.state import ChatsState
from web.checkout.return_to import pricing_href, return_path_in
from web.factoid_page.panel_state import FactoidChatState
from web.ui.format import format_usd

FIRST_ID, SECOND_ID = UUID(int=1), UUID(int=2)


def message(status: str = "done", text: str = "Hello", **more: Any) -> ChatMessageOut:
    return ChatMessageOut(SECOND_ID, "assistant", text, status, datetime.now(UTC), **more)  # pyright: ignore


def event(kind: str, **data: object) -> ServerSentEvent:
    return ServerSentEvent(
        event=kind, data=json.dumps({"message_id": str(SECOND_ID), **data}), id="1"
    )


def test_pieces_are_inserted_at_their_position():
    answer = StreamedAnswer("Bees d")
    answer.apply(event("token", at=5, text="dance"))
    answer.apply(event("token", at=10, text=", they do."))
    answer.apply(event("token", at=5, text="sing."))
    assert answer.text == "Bees sing."


def test_the_first_event_of_a_stream_does_not_end_it():
    answer = StreamedAnswer()
    assert not answer.apply(ServerSentEvent(retry=2000))
    assert answer.apply(event("message"))


def test_only_the_last_block_is_sent_while_it_grows():
    answer = StreamedAnswer("One.\n\nTwo.\n\nThr")
    patch = answer.next_patch()
    assert patch
    assert "One." in patch.inserted
    answer.apply(event("token", at=15, text="ee"))
    patch = answer.next_patch()
    assert patch
    assert (patch.first_block, patch.inserted) == (1, "ee")
    answer.apply(event("token", at=17, text=".\n\nFour"))
    answer.next_patch()
    answer.apply(event("token", at=24, text="teen"))
    patch = answer.next_patch()
    assert patch
    assert (patch.first_block, patch.inserted) == (2, "teen")


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        ("Text\n-", " a"),
        ("Text\n#", "1 of bees"),
        ("Text\n#", "# Head"),
        ("Text\n==", "="),
        ("Text\n\n1.", " a"),
        ("Text\n\n**", "b**"),
        ("Text\n•", " a"),
        ("Text\n\n---", "\n\nMore"),
    ],
)
def test_a_line_of_marks_is_not_shown_before_it_is_known_what_it_begins(begun, rest):
    answer = StreamedAnswer(begun)
    patch = answer.next_patch()
    assert patch
    assert json.loads(patch.inserted)["lines"][0]["spans"][0]["text"] == "Text"
    answer.apply(event("token", at=len(begun), text=rest))
    patch = answer.next_patch()
    assert patch or rest == "="


def test_an_incomplete_sentence_is_not_spoken_yet():
    answer = StreamedAnswer()
    answer.apply(event("token", at=0, text="x = bees.dance(1)\n" * 100))
    assert answer.unspoken_sentences() == ""


def test_sentences_are_spoken_once_and_the_rest_at_the_end():
    answer = StreamedAnswer()
    answer.apply(event("token", at=0, text="Bees **dance**. They"))
    assert answer.unspoken_sentences() == "Bees dance."
    assert answer.unspoken_sentences() == ""
    answer.apply(event("token", at=20, text=" hum"))
    assert answer.unspoken_rest() == "They hum"


def test_a_tool_is_shown_while_it_runs_and_its_result_after():
    answer = StreamedAnswer()
    answer.apply(event("tool_call", id="a", name="web_search", arguments='{"query": "bees"}'))
    (tool,) = answer.tools
    assert (tool.title, tool.arguments, tool.state) == ("Search the web", "query: bees", "running")
    source = {"number": 1, "kind": "web", "title": "Bees", "url": "https://bees.example/a"}
    answer.apply(
        event("tool_result", id="a", name="web_search", ok=True, summary="1 page", sources=[source])
    )
    (tool,) = answer.tools
    assert (tool.arguments, tool.state, tool.summary) == ("query: bees", "done", "1 page")
    assert [(source.label, source.host) for source in answer.sources] == [("1", "bees.example")]


def test_a_source_links_only_to_the_web_or_to_a_factoid():
    assert (
        to_source_view(SourceOut(1, "factoid", "Honey", "https://x.example", FIRST_ID)).href
        == f"/f/{FIRST_ID}"
    )
    assert to_source_view(SourceOut(1, "web", "Bad", "javascript:alert(1)")).href == ""


def test_arguments_are_shown_as_fields_or_as_they_are():
    assert arguments_text('{"factoid_id": "x", "limit": 3}') == "factoid id: x, limit: 3"
    assert arguments_text("{nonsense") == "{nonsense"
    assert arguments_text("[" * 5_000) == "[" * 5_000


def test_money_is_shown_with_two_significant_digits():
    amounts = ["0", "0.00042137", "0.0000009", "0.09999", "0.1", "12.345"]
    shown = [format_usd(Decimal(amount)) for amount in amounts]
    assert shown == ["$0", "$0.00042", "$0.00000090", "$0.100", "$0.10", "$12.34"]


def test_the_cost_of_an_answer_is_shown_as_final_or_as_a_limit():
    settled = ChatUsageOut(700, 112, 3_188, Decimal("0.00042"), True, 1)
    held = ChatUsageOut(0, 0, 4_000, Decimal("0.001"), False, 1)
    assert usage_text(settled) == "$0.00042 · 812 tokens"
    assert meter_text(settled) == "$0.00042 so far · 3,188 tokens left"
    assert meter_text(held) == "at most $0.0010 so far · 4,000 tokens left"


def test_only_the_last_answer_that_ended_early_can_be_continued():
    ended = message("interrupted", problem=ChatProblem("interrupted", "We were interrupted."))
    assert to_message_view(ended, last=True).can_continue
    assert not to_message_view(ended).can_continue
    assert to_message_view(ended).ended_early == "We were interrupted."
    assert not to_message_view(message(), last=True).can_continue


def test_branches_are_counted_and_linked_to_each_other():
    view = to_message_view(message(siblings=[FIRST_ID, SECOND_ID]))
    assert (view.branch, view.previous_branch, view.next_branch) == ("2 of 2", str(FIRST_ID), "")
    assert to_message_view(message(siblings=[SECOND_ID])).branch == ""


def test_a_request_id_is_shown_only_for_failures_of_ours():
    refused = to_refusal(Problem("Slow down", 429, "Wait.", "chat_limit", "r1"))
    assert (refused.title, refused.request_id) == ("You have had your free messages for now", "")
    assert to_refusal(Problem("Broken", 500, "Sorry.", "internal", "r1")).request_id == "r1"


async def test_an_address_without_a_chat_is_missing(connected: object, visitor: str):
    for path in ("/chat/nonsense", f"/chat/{FIRST_ID}"):
        chat = state_of(ChatState, visitor, path)
        await chat.load_chat()
        assert (chat.ready, chat.missing) == (True, True)


async def test_a_visitor_without_chats_has_an_empty_list(connected: object, visitor: str):
    chats = state_of(ChatsState, visitor, "/chat?about=nonsense")
    await chats.load_chats()
    assert (chats.ready, chats.rows, chats.about, chats.problem) == (True, [], "", "")


@pytest.mark.parametrize(
    ("free", "paid_for", "used", "text"),
    [
        (9, 0, 0, "9 free messages left"),
        (1, 200, 0, "1 free message left · 200 paid for"),
        (0, 199, 1, "0 free messages left · 199 paid for (1 used)"),
        (0, 0, 200, "0 free messages left · 0 paid for (200 used)"),
    ],
)
def test_messages_left_are_free_and_paid_ones(free: int, paid_for: int, used: int, text: str):
    assert messages_left_text(a_quote(messages_left=free, credits_left=paid_for), used) == text


def test_a_message_has_a_price_or_a_reason_for_its_refusal():
    assert quote_text(a_quote()) == "Next: at most $0.060"
    usual = a_quote(usual_usd=Decimal("0.0001"))
    assert quote_text(usual) == "Next: usually $0.00010, at most $0.060"
    refused = a_quote(allowed=False, reason="That was a lot. Reading goes on.")
    assert quote_text(refused) == "That was a lot."


def a_quote(**changes: Any) -> ChatQuoteOut:
    usual: dict[str, Any] = {
        "model": "openai/gpt-4o-mini",
        "worst_case_usd": Decimal("0.06"),
        "usual_usd": None,
        "allowed": True,
        "messages_left": 10,
        "credits_left": 0,
        "tokens_left": 300_000,
        "budget_left_usd": Decimal(1),
    }
    return ChatQuoteOut(**usual | changes)


async def test_an_address_without_a_factoid_has_an_empty_panel(connected: object, visitor: str):
    panel = state_of(FactoidChatState, visitor, "/f/nonsense")
    await panel.load_panel()
    assert (panel.id, panel.chat_href, panel.missing) == ("", "/chat", False)
    assert not await panel.send_from_panel({"text": "Why?"})
    assert panel.id == ""


@pytest.mark.parametrize(
    "path",
    [
        "/chat",
        f"/chat/{FIRST_ID}",
        f"/chat?about={FIRST_ID}",
        f"/f/{SECOND_ID}",
        "/pricing",
        "//evil.example",
    ],
)
def test_the_return_path_is_that_of_a_page_with_a_chat(path: str):
    has_chat = path.startswith(("/chat", "/f"))
    assert return_path_in(pricing_href(path)) == (path if has_chat else "")
    assert return_path_in(f"/pricing?back={path}x") == ""
