"""The states' events: any browser may send any of them, with any arguments."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import reflex as rx

from api.schemas.generation import GenerateIn
from api.schemas.quote import LeftAfterOut, LiveQuoteOut
from tests.factories import Factories
from tests.web.conftest import sent_script, state_of
from web.account.state import AccountState
from web.chats.state import ChatsState
from web.checkout.state import CheckoutState
from web.client.api import ApiClient, use_app
from web.factoid import card as cards
from web.factoid.votes import VotesState
from web.factoid_page.state import FactoidPageState
from web.feed.state import PAGE_SIZE, FeedState
from web.generate.allowance import AllowanceState, countdown_data
from web.generate.state import GenerateState
from web.generate.vault import MAX_EXCLUDED, VaultState, vault_request
from web.generate.words import to_quote_view
from web.keys.state import KeysState
from web.pricing.state import PricingState
from web.recover.state import RecoverState
from web.ui.forms import idempotency_key_of
from web.ui.sharing import SharingState

pytestmark = pytest.mark.usefixtures("connected")

NONSENSE: list[Any] = [None, "", "x", -5, 10**30, 1.5, True, [], {}, {"a": [1]}, "1; drop table"]


async def drained(events: Any) -> list[Any]:
    return [event async for event in events]


async def load_more(feed: Any, *visible: Any) -> list[Any]:
    return await drained(feed.load_more(*visible))


async def test_the_feed_shows_what_its_address_asks_for(make: Factories, visitor: str):
    await make.factoids(PAGE_SIZE + 5)
    honey = await make.factoid("Honey never spoils.", category="food")

    everything = state_of(FeedState, visitor)
    await everything.load_feed()
    food = state_of(FeedState, visitor, "/?category=food&q=honey")
    await food.load_feed()

    assert (everything.count, everything.ended, len(everything.c0)) == (1, False, PAGE_SIZE)  # pyright: ignore[reportAttributeAccessIssue]
    assert [card.id for card in food.c0] == [str(honey.id)]  # pyright: ignore[reportAttributeAccessIssue]
    assert (food.category, food.q, food.ended) == ("food", "honey", True)


async def test_load_more_adds_a_chunk_until_the_end(make: Factories):
    await make.factoids(PAGE_SIZE + 5)
    feed = state_of(FeedState)
    await feed.load_feed()

    await load_more(feed)
    await load_more(feed)

    shown = feed.c0 + feed.c1  # pyright: ignore[reportAttributeAccessIssue]
    assert len({card.id for card in shown}) == PAGE_SIZE + 5
    assert (feed.count, feed.ended, feed.loading_more) == (2, True, False)


async def test_a_reload_restores_the_number_of_chunks(make: Factories):
    await make.factoids(2 * PAGE_SIZE + 1)
    feed = state_of(FeedState)
    feed.loaded_chunks = "2 /"

    await feed.load_feed()

    assert (feed.count, feed.ended) == (2, False)


async def test_a_feed_shows_an_api_failure_and_recovers(connected: Any, make: Factories):
    await make.factoid()
    feed = state_of(FeedState)

    use_app(None)
    await feed.load_feed()
    assert feed.problem
    assert feed.ready

    use_app(connected)
    await feed.load_feed()
    assert (feed.problem, feed.count) == ("", 1)


async def not_found(scope: Any, receive: Any, send: Any) -> None:
    body = b'{"title":"Not found","status":404,"detail":"Gone.","code":"x","request_id":"1"}'
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    "load",
    [
        FeedState.load_feed,
        KeysState.load_keys,
        AccountState.load_account,
        PricingState.load_pricing,
        ChatsState.load_chats,
    ],
)
async def test_a_list_that_the_api_does_not_find_shows_the_reason(load: Any):
    use_app(not_found)
    cards._categories.read_at = float("-inf")
    page: Any = state_of(load.state)

    await load.fn(page)

    assert (page.ready, page.problem) == (True, "Gone.")


@pytest.mark.parametrize("visible", NONSENSE)
async def test_load_more_ignores_values_of_other_types(visible: Any):
    feed = state_of(FeedState)

    if visible is not True:
        assert await load_more(feed, visible) == []


async def test_a_vote_is_confirmed_and_a_refused_one_undone(make: Factories, visitor: str):
    factoid = await make.factoid()
    votes = state_of(VotesState, visitor)

    counted = sent_script(await votes.vote(str(factoid.id), 1))
    refused = sent_script(await votes.vote(str(uuid4()), 1))

    assert f'factoids.patch("{factoid.id}", {{"up": 1, "down": 0, "mine": 1}})' in counted
    assert "factoids.undoVote(" in refused


@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_votes_do_nothing(make: Factories, value: Any):
    factoid = await make.factoid()
    votes = state_of(VotesState)

    assert await votes.vote(value, 1) is None
    assert await votes.vote(str(factoid.id), value) is None


@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_feedback_and_shares_do_nothing(make: Factories, value: Any):
    factoid = await make.factoid()
    votes = state_of(VotesState)

    await votes.send_feedback(value)
    await votes.send_feedback({"factoid_id": value, "comment": "hello"})
    await votes.send_feedback({"factoid_id": str(factoid.id), "comment": value})
    assert state_of(SharingState).report_outcome(value) is None


async def test_feedback_is_stored_and_a_refusal_shown(make: Factories, visitor: str):
    factoid = await make.factoid()
    votes = state_of(VotesState, visitor)
    form = {"factoid_id": str(factoid.id), "comment": "Hm.", "tag-boring": "on", "tag-x": "on"}

    assert "taking notes" in sent_script(await votes.send_feedback(form))
    assert "taking notes" not in sent_script(
        await votes.send_feedback(form | {"comment": "x" * 2_000})
    )


async def test_the_page_of_a_factoid(make: Factories):
    factoid, other = await make.factoid(subject="Venus"), await make.factoid()
    shown = state_of(FactoidPageState, path=f"/f/{factoid.id}")

    await shown.load_factoid()

    assert [card.id for card in shown.cards] == [str(factoid.id)]
    assert [card.id for card in shown.others] == [str(other.id)]
    assert shown.title.startswith("Venus")


@pytest.mark.parametrize("name", [str(uuid4()), "nonsense", "", "x/y"])
async def test_the_page_of_a_missing_factoid_lists_others(make: Factories, name: str):
    other = await make.factoid()
    shown = state_of(FactoidPageState, path=f"/f/{name}")

    await shown.load_factoid()

    assert (shown.missing, shown.cards) == (True, [])
    assert [card.id for card in shown.others] == [str(other.id)]


async def test_the_allowance_is_sent_to_the_browser_with_its_reset(make: Factories, visitor: str):
    await make.model()
    allowance = state_of(AllowanceState, visitor)
    assert "factoids.setAllowance(" in sent_script(await allowance.load_allowance())
    assert "at most" in allowance.models[0][1]

    await ApiClient(visitor).generate(GenerateIn())
    (window,) = countdown_data(await ApiClient(visitor).limits())["windows"]

    assert (window["span"], window["left"]) == ("this minute", 999)
    assert 0 < window["reset_s"] <= 60


async def test_the_quote_is_of_the_chosen_model_and_names_unknowns(make: Factories):
    await make.model("openai/gpt-4o-mini", name="Mini")
    await make.model("openai/dear", name="Dear", completion_usd=Decimal("0.000004"))
    allowance = state_of(AllowanceState)

    await allowance.choose_model("openai/gpt-4o-mini")
    mini = allowance.quote
    await allowance.choose_model("openai/dear")
    dear = allowance.quote

    assert mini
    assert dear
    assert mini.price.startswith("Mini: at most ")
    assert mini.price != dear.price
    assert "Nobody knows yet" in mini.wait
    assert mini.after == "Leaves you 999 this minute"


async def test_a_quote_shows_price_and_wait():
    live = LiveQuoteOut(
        model=None,
        name="Any",
        worst_case_usd=Decimal("0.0028"),
        usual_usd=Decimal("0.00006"),
        expected_wait_s=3.6,
        allowed=False,
        reason="Not now.",
        left_after=[LeftAfterOut("minute", 0)],
        budget_left_after_usd=Decimal(0),
    )

    quote = to_quote_view(live)

    assert quote.price == "At most 0.280 US cents, usually 0.006 US cents"
    assert (quote.wait, quote.after) == ("About 4 seconds", "")


@pytest.mark.parametrize("value", NONSENSE)
async def test_there_is_no_quote_for_nonsense(value: Any):
    allowance = state_of(AllowanceState)

    await allowance.choose_model(value)

    assert allowance.quote is None


async def test_explaining_with_some_left_refreshes_the_allowance(visitor: str):
    generate = state_of(GenerateState, visitor)

    assert await generate.explain(None) is AllowanceState.refresh
    assert generate.refusal is None


async def test_the_vault_excludes_the_factoids_on_the_screen(make: Factories, visitor: str):
    shown = await make.factoid("Owls have three eyelids.")
    stored = await make.factoid("Owls swallow their prey whole.")
    vault = state_of(VaultState, visitor)

    await vault.pick({"topic": "owls", "seen": [str(shown.id)]})
    assert [card.id for card in vault.found] == [str(stored.id)]

    assert await vault.pick({"topic": "owls", "seen": [str(shown.id), str(stored.id)]})


@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_in_a_request_to_the_vault_is_left_out(value: Any):
    assert vault_request(value) == ("", [])
    topic, seen = vault_request({"topic": value, "seen": [value] * 200})
    assert isinstance(topic, str)
    assert seen == []


async def test_the_number_of_excluded_factoids_is_bounded():
    assert len(vault_request({"seen": [str(uuid4()) for _ in range(500)]})[1]) == MAX_EXCLUDED


async def test_a_key_is_shown_once_and_then_never_again(visitor: str):
    keys = state_of(KeysState, visitor)
    made = await drained(keys.make_key({"name": "Kitchen", "scope-read": "on", "expires": "30"}))

    assert "adf_" in sent_script(made)
    assert [(row.name, row.scopes, row.last_used) for row in keys.rows] == [
        ("Kitchen", "Read and search", "")
    ]
    assert "adf_" in keys.rows[0].masked
    await keys.load_keys()
    token = sent_script(made).partition('"token": "')[2].partition('"')[0]
    assert token.startswith("adf_")
    assert token not in str(keys.rows)


async def test_a_key_is_made_rotated_and_revoked(visitor: str):
    keys = state_of(KeysState, visitor)
    await drained(keys.make_key({"name": "Kitchen", "scope-read": "on"}))
    (row,) = keys.rows

    assert "24 hours" in sent_script(await drained(keys.rotate_key(row.id)))
    assert "Revoked" in sent_script(await drained(keys.revoke_key(row.id)))
    assert keys.rows[0].expired_reason.startswith("Revoked on")


@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_makes_and_ends_no_key(visitor: str, value: Any):
    keys = state_of(KeysState, visitor)

    await drained(keys.make_key(value))
    await drained(
        keys.make_key(
            {"name": value, "scope-read": value, "expires": value, "idempotency_key": value}
        )
    )
    made = len(await ApiClient(visitor).keys())
    await drained(keys.rotate_key(value))
    await drained(keys.revoke_key(value))

    # A name of one letter is a name.
    assert made <= 1
    assert all(not key.revoked_at for key in await ApiClient(visitor).keys())


async def test_a_form_keeps_its_idempotency_key_or_gets_a_new_one():
    key = uuid4().hex

    assert idempotency_key_of({"idempotency_key": key}) == key
    assert len({idempotency_key_of({"idempotency_key": nonsense}) for nonsense in NONSENSE}) == len(
        NONSENSE
    )


@pytest.mark.parametrize("value", NONSENSE)
async def test_the_reason_for_a_failed_sign_out_is_shown_if_it_is_a_text(value: Any):
    toast = state_of(KeysState).sign_out_failed(value)

    assert bool(toast) == (isinstance(value, str) and value != "")


async def test_browsers_can_call_nothing_but_the_events_of_the_pages():
    callable_by_browsers = {
        f"{state.__name__}.{name}"
        for state in (
            FeedState,
            FactoidPageState,
            VotesState,
            GenerateState,
            AllowanceState,
            VaultState,
            KeysState,
            PricingState,
            CheckoutState,
            AccountState,
            RecoverState,
            SharingState,
        )
        for name in state.event_handlers
        if name not in rx.State.event_handlers
    }

    assert callable_by_browsers == {
        "FeedState.load_feed",
        "FeedState.load_more",
        "FactoidPageState.load_factoid",
        "VotesState.vote",
        "VotesState.send_feedback",
        "SharingState.report_outcome",
        "GenerateState.resume",
        "GenerateState.show",
        "GenerateState.start",
        "GenerateState.cancel",
        "GenerateState.dismiss",
        "GenerateState.explain",
        "AllowanceState.load_allowance",
        "AllowanceState.refresh",
        "AllowanceState.choose_model",
        "VaultState.pick",
        "VaultState.dismiss",
        "KeysState.load_keys",
        "KeysState.make_key",
        "KeysState.rotate_key",
        "KeysState.revoke_key",
        "KeysState.sign_out_failed",
        "AccountState.load_account",
        "AccountState.make_link",
        "RecoverState.load_recovery",
        "RecoverState.recovery_started",
        "RecoverState.recovery_finished",
        "PricingState.load_pricing",
        "PricingState.buy",
        "CheckoutState.load_checkout",
        "CheckoutState.watch",
    }
