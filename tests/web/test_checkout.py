"""The pages of payments: addresses, forms and payments of any kind."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from api.schemas.payments import CheckoutIn, CheckoutOut, CheckoutStatus
from tests.web.conftest import state_of
from tests.web.test_states import NONSENSE, drained
from web.checkout.state import CheckoutState, is_finished, show_checkout
from web.checkout.words import receipt, to_payment_view
from web.generate.on_payment import GenerateOnPayment
from web.pricing.state import PricingState, purchase_in

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)

RETRY_HREF = {"failed": "/pricing?topic=Saturn", "expired": "/pricing"}


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
    ("address", "choice"),
    [
        ("/pricing", GenerateOnPayment()),
        ("/pricing?write=yes", GenerateOnPayment(enabled=True)),
        (
            "/pricing?topic=Saturn%27s+rings",
            GenerateOnPayment(enabled=True, topic="Saturn's rings"),
        ),
        ("/pricing?topic=%00+&model=a%2Fb", GenerateOnPayment(enabled=True, model="a/b")),
        ("/pricing?topic=" + "x" * 500, GenerateOnPayment(enabled=True, topic="x" * 120)),
        ("//[", GenerateOnPayment()),
    ],
)
def test_a_choice_is_read_from_its_address(address: str, choice: GenerateOnPayment):
    assert GenerateOnPayment.from_address(address) == choice


def test_a_choice_survives_its_own_address():
    for choice in (
        GenerateOnPayment(enabled=True),
        GenerateOnPayment(enabled=True, topic="a&b=c#d", model="x/y"),
    ):
        assert GenerateOnPayment.from_address(choice.href) == choice


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_buys_nothing(value: Any):
    assert purchase_in({"product": value}) is None
    purchase = purchase_in(
        {"product": "booster_pack", "write": "on", "topic": value, "model": value}
    )
    assert purchase
    assert isinstance(purchase.topic, str)


def test_a_choice_goes_with_the_product_that_can_generate():
    form = {"write": "on", "topic": " Saturn ", "model": "openai/gpt-4o-mini"}

    assert purchase_in(form | {"product": "booster_pack"}) == CheckoutIn(
        product="booster_pack", topic="Saturn", model="openai/gpt-4o-mini"
    )
    assert purchase_in(form | {"product": "chat"}) == CheckoutIn(product="chat")
    assert purchase_in({"product": "booster_pack", "topic": "Saturn"}) == CheckoutIn(
        product="booster_pack"
    )


@pytest.mark.usefixtures("connected")
async def test_nothing_is_sold_while_payments_are_off(visitor: str):
    pricing = state_of(PricingState, visitor, "/pricing?topic=Saturn")
    await pricing.load_pricing()
    assert (pricing.ready, pricing.payments_on, pricing.topic) == (True, False, "Saturn")

    await drained(pricing.buy({"product": "booster_pack"}))
    assert "switched off" in pricing.refused
    assert pricing.buying == ""


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_is_not_bought(visitor: str, value: Any):
    pricing = state_of(PricingState, visitor)

    await drained(pricing.buy(value))

    assert (pricing.buying, pricing.refused) == ("", "")


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("name", [str(uuid4()), "nonsense", "", f"{uuid4()}/cancelled"])
async def test_a_payment_of_nobody_or_another_visitor_is_missing(visitor: str, name: str):
    page = state_of(CheckoutState, visitor, f"/checkout/{name}?session=cs_test_1")

    await page.load_checkout()

    assert (page.ready, page.missing, page.status) == (True, True, "")


@pytest.mark.parametrize(
    ("status", "text"),
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
def test_each_status_of_a_payment_has_a_text_and_next_steps(status: CheckoutStatus, text: str):
    paid = status in {"paid", "refunded", "disputed"}
    out = a_checkout(
        status=status,
        url="https://checkout.stripe.com/c/pay/1" if status == "open" else None,
        paid_at=NOW if paid else None,
        refunded_text="$5.00",
        wished=status == "failed",
        topic="Saturn",
    )

    view = to_payment_view(out)

    assert text in view.text
    assert bool(view.pay_href) == (status == "open")
    assert view.retry_href == RETRY_HREF.get(status, "")
    assert bool(view.steps) == (status in {"open", "processing", "paid"})


def test_only_an_http_address_is_linked_for_paying():
    out = a_checkout(status="open", url="javascript:alert(1)")

    assert to_payment_view(out).pay_href == ""


def test_a_receipt_shows_what_was_paid_and_paid_back():
    out = a_checkout(refunded=200, refunded_text="$2.00", credits_revoked=10)

    lines = dict(receipt(out))

    assert lines["What"] == "Factoid Booster Pack: 25 new factoids"
    assert (lines["Paid"], lines["Paid back"]) == ("$5.00", "$2.00")
    assert lines["Paid on"] == "21 November 2026, 07:30 UTC"
    assert "10 credits" in to_payment_view(out).text


@pytest.mark.parametrize(
    ("changes", "finished"),
    [
        pytest.param({"status": "open"}, False, id="it may still be paid"),
        pytest.param({"status": "processing"}, False, id="the bank has not confirmed it"),
        pytest.param({}, True, id="no generation was chosen"),
        pytest.param({"wished": True}, False, id="the generation has not begun"),
        pytest.param(
            {"wished": True, "wish_given_up": True}, True, id="the generation was given up"
        ),
        pytest.param(
            {"wished": True, "generation_request_id": uuid4()}, True, id="the generation has begun"
        ),
        pytest.param(
            {"wished": True, "credits_revoked": 25},
            True,
            id="it was refunded before the generation",
        ),
        pytest.param({"status": "failed", "wished": True}, True, id="it failed"),
    ],
)
def test_a_page_follows_a_payment_until_it_is_finished(changes: dict[str, Any], finished: bool):
    page = state_of(CheckoutState)

    show_checkout(page, a_checkout(**changes))

    assert is_finished(page) is finished


def test_a_generation_is_watched_once():
    page, out = state_of(CheckoutState), a_checkout(wished=True, generation_request_id=uuid4())

    assert len(show_checkout(page, out)) == 1
    assert show_checkout(page, out) == []
