"""The account and the recovery of it, in words; whatever a browser sends."""

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
from tests.web.conftest import state_of, told
from tests.web.test_paying import a_checkout
from tests.web.test_states import NONSENSE, drained
from web.account.state import Account, movements, to_balance, to_payment
from web.client.api import ApiClient, use
from web.recover.state import Recover

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


def entry(kind: Any, change: int, product: Any = "booster_pack") -> EntryOut:
    return EntryOut(NOW, kind, product, max(abs(change), 1), change, uuid4())


def balance(left: int, product: Any = "booster_pack") -> BalanceOut:
    return BalanceOut(product, left=left, held=0, granted=25, used=1, revoked=0)


def test_each_movement_says_what_was_left_after_it():
    history = [entry("give_back", 1), entry("hold", -1), entry("use", 0), entry("grant", 25)]

    shown = movements(CreditsOut([balance(25)], history))

    assert [(one.change, one.left) for one in shown] == [
        ("+1", "25 left"),
        ("−1", "24 left"),
        ("", "25 left"),
        ("+25", "25 left"),
    ]


def test_the_credits_of_one_product_are_not_counted_with_anothers():
    history = [entry("grant", 200, "chat"), entry("hold", -1), entry("grant", 25)]

    shown = movements(CreditsOut([balance(24), balance(200, "chat")], history))

    assert [one.left for one in shown] == ["200 left", "24 left", "25 left"]


def test_a_balance_says_what_became_of_the_others():
    known = BalanceOut("chat", left=150, held=1, granted=200, used=9, revoked=40)

    said = to_balance(known)

    assert (said.left, said.things) == (150, "chat messages")
    assert said.rest == "200 bought, 1 set aside, 9 used, 40 gone with money that went back"


def test_a_payment_says_what_was_paid_back():
    said = to_payment(a_checkout(status="refunded", refunded=500, refunded_text="$5.00"))

    assert (said.paid, said.state, said.refunded) == ("$5.00", "Paid back", "$5.00 paid back")


@pytest.mark.usefixtures("connected")
async def test_who_bought_nothing_has_an_empty_account(visitor: str):
    account = state_of(Account, visitor)

    await account.open()

    assert (account.ready, account.problem) == (True, "")
    assert (account.balances, account.movements, account.payments) == ([], [], [])


async def test_an_account_without_an_api_says_so_and_recovers(connected: Any, visitor: str):
    account = state_of(Account, visitor)

    use(None)
    await account.open()
    assert account.problem

    use(connected)
    await account.open()
    assert account.problem == ""


@pytest.mark.usefixtures("connected")
async def test_a_recovery_link_goes_to_the_browser_and_rests_nowhere(visitor: str):
    account = state_of(Account, visitor)

    sent = told(await drained(account.make_link()))

    assert "factoids.recoveryLink(" in sent
    token = sent.partition("#")[2].partition('"')[0]
    assert len(token) > 40
    assert token not in str(account.dict())


@pytest.mark.usefixtures("connected")
async def test_what_a_browser_would_leave_behind_is_told_first(visitor: str):
    recover = state_of(Recover, visitor)
    await recover.open()
    assert (recover.ready, recover.leaves) == (True, "")

    await ApiClient(visitor).make_key(KeyIn(name="Robot"))
    await recover.answered({"code": "would_leave_behind", "detail": "First this."})

    assert (recover.leaves, recover.refused) == ("1 API key", "First this.")


@pytest.mark.usefixtures("connected")
async def test_a_payment_under_way_is_told_as_well(visitor: str, database: Database):
    """The API asks about it: untold, the button would be refused again and again."""
    known = VisitorTokens(settings.secret_key).read(visitor.partition("=")[2].encode())
    assert known
    begun = Checkout(id=uuid4(), owner_id=known[0], product="chat", credits=200, amount=900)
    begun.currency, begun.livemode = "usd", False
    begun.offer_hash, begun.generate_on_payment = "chat", False
    async with database.sessions.begin() as session:
        await CheckoutRepository(session).add(begun)
    recover = state_of(Recover, visitor)

    await recover.answered({"code": "would_leave_behind", "detail": "First this."})

    assert recover.leaves == "1 undecided payment"


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_recovers_nobody(visitor: str, value: Any):
    recover = state_of(Recover, visitor)

    await recover.answered(value)
    await recover.answered({"code": value, "detail": value})

    assert recover.leaves == ""
    assert recover.working is False
