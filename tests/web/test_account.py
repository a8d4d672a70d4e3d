"""The account page and the recovery page, with any input from a browser."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from api.schemas.credits import BalanceOut, CreditsOut, EntryOut
from api.schemas.keys import KeyIn
from api.visitor_cookie import VisitorTokens
from db.models import Checkout
from db.repositories.payments import CheckoutRepository
from db.session import Database
from tests.configuration import settings
from tests.web.conftest import sent_script, state_of
from tests.web.test_checkout import a_checkout
from tests.web.test_states import NONSENSE, drained
from web.account.state import AccountState, movements, to_balance, to_payment
from web.client.api import ApiClient, use_app
from web.recover.state import RecoverState

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


def entry(kind: Any, change: int, product: Any = "booster_pack") -> EntryOut:
    return EntryOut(NOW, kind, product, max(abs(change), 1), change, uuid4())


def balance(left: int, product: Any = "booster_pack") -> BalanceOut:
    return BalanceOut(product, left=left, held=0, granted=25, used=1, revoked=0)


def test_each_movement_shows_what_was_left_after_it():
    history = [entry("give_back", 1), entry("hold", -1), entry("use", 0), entry("grant", 25)]

    shown = movements(CreditsOut([balance(25)], history))

    assert [(movement.change, movement.left) for movement in shown] == [
        ("+1", "25 left"),
        ("−1", "24 left"),
        ("", "25 left"),
        ("+25", "25 left"),
    ]


def test_the_credits_of_each_product_are_counted_separately():
    history = [entry("grant", 200, "chat"), entry("hold", -1), entry("grant", 25)]

    shown = movements(CreditsOut([balance(24), balance(200, "chat")], history))

    assert [movement.left for movement in shown] == ["200 left", "24 left", "25 left"]


def test_a_balance_lists_the_credits_that_are_not_left():
    balance = BalanceOut("chat", left=150, held=1, granted=200, used=9, revoked=40)

    shown = to_balance(balance)

    assert (shown.left, shown.unit) == (150, "chat messages")
    assert shown.rest == "200 bought, 1 set aside, 9 used, 40 gone with money that went back"


def test_a_payment_shows_what_was_paid_back():
    shown = to_payment(a_checkout(status="refunded", refunded=500, refunded_text="$5.00"))

    assert (shown.paid, shown.state, shown.refunded) == ("$5.00", "Paid back", "$5.00 paid back")


@pytest.mark.usefixtures("connected")
async def test_a_visitor_without_purchases_has_an_empty_account(visitor: str):
    account = state_of(AccountState, visitor)

    await account.load_account()

    assert (account.ready, account.problem) == (True, "")
    assert (account.balances, account.movements, account.payments) == ([], [], [])


async def test_an_account_page_shows_an_api_failure_and_recovers(connected: Any, visitor: str):
    account = state_of(AccountState, visitor)

    use_app(None)
    await account.load_account()
    assert account.problem

    use_app(connected)
    await account.load_account()
    assert account.problem == ""


@pytest.mark.usefixtures("connected")
async def test_a_recovery_link_goes_to_the_browser_and_is_kept_nowhere(visitor: str):
    account = state_of(AccountState, visitor)

    sent = sent_script(await drained(account.make_link()))

    assert "factoids.showRecoveryLink(" in sent
    token = sent.partition("#")[2].partition('"')[0]
    assert len(token) > 40
    assert token not in str(account.dict())


@pytest.mark.usefixtures("connected")
async def test_what_a_browser_would_leave_behind_is_shown_first(visitor: str):
    recover = state_of(RecoverState, visitor)
    await recover.load_recovery()
    assert (recover.ready, recover.left_behind) == (True, "")

    await ApiClient(visitor).make_key(KeyIn(name="Robot"))
    await recover.recovery_finished({"code": "would_leave_behind", "detail": "First this."})

    assert (recover.left_behind, recover.refused) == ("1 API key", "First this.")


@pytest.mark.usefixtures("connected")
async def test_a_pending_payment_would_be_left_behind_as_well(visitor: str, database: Database):
    """The API counts it, so without a mention every further attempt would be refused."""
    visitor_id = VisitorTokens(settings.secret_key).read(visitor.partition("=")[2].encode())
    assert visitor_id
    checkout = Checkout(id=uuid4(), owner_id=visitor_id[0], product="chat", credits=200, amount=900)
    checkout.currency, checkout.livemode = "usd", False
    checkout.offer_hash, checkout.generate_on_payment = "chat", False
    async with database.sessions.begin() as session:
        await CheckoutRepository(session).add(checkout)
    recover = state_of(RecoverState, visitor)

    await recover.recovery_finished({"code": "would_leave_behind", "detail": "First this."})

    assert recover.left_behind == "1 undecided payment"


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_changes_nothing(visitor: str, value: Any):
    recover = state_of(RecoverState, visitor)

    await recover.recovery_finished(value)
    await recover.recovery_finished({"code": value, "detail": value})

    assert recover.left_behind == ""
    assert recover.working is False
