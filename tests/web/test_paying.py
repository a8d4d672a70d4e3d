"""The pages about paying: what they make of addresses, forms and payments, whatever those are."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from api.schemas.payments import CheckoutIn, CheckoutOut, CheckoutStatus
from tests.web.conftest import state_of
from tests.web.test_states import NONSENSE, drained
from web.checkout.state import Paying, is_over, take_in
from web.checkout.words import receipt, standing
from web.generate.on_payment import PaidWish
from web.pricing.state import Pricing, purchase_in

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)

AGAIN = {"failed": "/pricing?topic=Saturn", "expired": "/pricing"}


def a_checkout(**changes: Any) -> CheckoutOut:
    usual: dict[str, Any] = {
        "id": uuid4(),
        "product": "booster_pack",
        "status": "paid",
        "price": "$5.00",
        "amount": 500,
        "currency": "usd",
        "credits": 25,
        "credits_revoked": 0,
        "created_at": NOW,
        "paid_at": NOW,
        "paid": 500,
        "paid_text": "$5.00",
    }
    return CheckoutOut(**usual | changes)


@pytest.mark.parametrize(
    ("address", "wish"),
    [
        ("/pricing", PaidWish()),
        ("/pricing?write=yes", PaidWish(wanted=True)),
        ("/pricing?topic=Saturn%27s+rings", PaidWish(wanted=True, topic="Saturn's rings")),
        ("/pricing?topic=%00+&model=a%2Fb", PaidWish(wanted=True, model="a/b")),
        ("/pricing?topic=" + "x" * 500, PaidWish(wanted=True, topic="x" * 120)),
        ("//[", PaidWish()),
    ],
)
def test_a_wish_is_what_its_address_says(address: str, wish: PaidWish):
    assert PaidWish.read(address) == wish


def test_a_wish_survives_its_own_address():
    for wish in (PaidWish(wanted=True), PaidWish(wanted=True, topic="a&b=c#d", model="x/y")):
        assert PaidWish.read(wish.href) == wish


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_buys_nothing(value: Any):
    assert purchase_in({"product": value}) is None
    bought = purchase_in({"product": "booster_pack", "write": "on", "topic": value, "model": value})
    assert bought
    assert isinstance(bought.topic, str)


def test_a_wish_goes_with_the_product_that_can_fulfil_it():
    form = {"write": "on", "topic": " Saturn ", "model": "openai/gpt-4o-mini"}

    assert purchase_in(form | {"product": "booster_pack"}) == CheckoutIn(
        product="booster_pack", topic="Saturn", model="openai/gpt-4o-mini"
    )
    assert purchase_in(form | {"product": "chat"}) == CheckoutIn(product="chat")
    assert purchase_in({"product": "booster_pack", "topic": "Saturn"}) == CheckoutIn(
        product="booster_pack"
    )


@pytest.mark.usefixtures("connected")
async def test_where_payments_are_off_nothing_is_sold(visitor: str):
    pricing = state_of(Pricing, visitor, "/pricing?topic=Saturn")
    await pricing.open()
    assert (pricing.ready, pricing.payments_on, pricing.topic) == (True, False, "Saturn")

    await drained(pricing.buy({"product": "booster_pack"}))
    assert "switched off" in pricing.refused
    assert pricing.buying == ""


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_is_not_bought(visitor: str, value: Any):
    pricing = state_of(Pricing, visitor)

    await drained(pricing.buy(value))

    assert (pricing.buying, pricing.refused) == ("", "")


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("named", [str(uuid4()), "nonsense", "", f"{uuid4()}/cancelled"])
async def test_a_payment_that_is_not_theirs_is_none(visitor: str, named: str):
    paying = state_of(Paying, visitor, f"/checkout/{named}?session=cs_test_1")

    await paying.open()

    assert (paying.ready, paying.missing, paying.status) == (True, True, "")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("open", "Nothing was charged"),
        ("processing", "You may close this page"),
        ("paid", "generate form"),
        ("failed", "nothing was charged"),
        ("expired", "nothing was charged"),
        ("refunded", "$5.00 go back"),
        ("disputed", "your bank"),
    ],
)
def test_each_state_of_a_payment_has_words_and_a_next_step(status: CheckoutStatus, words: str):
    paid = status in {"paid", "refunded", "disputed"}
    out = a_checkout(
        status=status,
        url="https://checkout.stripe.com/c/pay/1" if status == "open" else None,
        paid_at=NOW if paid else None,
        refunded_text="$5.00",
        wished=status == "failed",
        topic="Saturn",
    )

    said = standing(out)

    assert words in said.words
    assert bool(said.pay_href) == (status == "open")
    assert said.again_href == AGAIN.get(status, "")
    assert bool(said.steps) == (status in {"open", "processing", "paid"})


def test_no_address_but_one_of_the_web_is_followed_to_pay():
    out = a_checkout(status="open", url="javascript:alert(1)")

    assert standing(out).pay_href == ""


def test_a_receipt_says_what_was_paid_and_paid_back():
    out = a_checkout(refunded=200, refunded_text="$2.00", credits_revoked=10)

    said = dict(receipt(out))

    assert said["What"] == "Factoid Booster Pack: 25 new factoids"
    assert (said["Paid"], said["Paid back"]) == ("$5.00", "$2.00")
    assert said["Paid on"] == "21 November 2026, 07:30 UTC"
    assert "10 credits" in standing(out).words


@pytest.mark.parametrize(
    ("changes", "over"),
    [
        pytest.param({"status": "open"}, False, id="it may still be paid"),
        pytest.param({"status": "processing"}, False, id="the bank thinks"),
        pytest.param({}, True, id="nothing was wished"),
        pytest.param({"wished": True}, False, id="the writing is to begin"),
        pytest.param({"wished": True, "wish_given_up": True}, True, id="it will not begin"),
        pytest.param({"wished": True, "generation_request_id": uuid4()}, True, id="it has begun"),
        pytest.param({"wished": True, "credits_revoked": 25}, True, id="it was paid back before"),
        pytest.param({"status": "failed", "wished": True}, True, id="it failed"),
    ],
)
def test_a_page_waits_as_long_as_there_is_more_to_be_told(changes: dict[str, Any], over: bool):
    paying = state_of(Paying)

    take_in(paying, a_checkout(**changes))

    assert is_over(paying) is over


def test_what_is_written_is_watched_once():
    paying, out = state_of(Paying), a_checkout(wished=True, generation_request_id=uuid4())

    assert len(take_in(paying, out)) == 1
    assert take_in(paying, out) == []
