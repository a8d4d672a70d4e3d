"""`PAYMENTS=standin make run`: a person can buy, with nothing but this clone."""

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from dev.processes import until
from tests.dev.test_run import address_of


def test_a_person_buys_pays_and_is_given_the_money_back(
    launch: Callable[..., Any], state: Path, processes_of: Callable[[Path], list[str]]
):
    program = launch("dev.run", PAYMENTS="standin")
    address = address_of(program)
    found = re.search(r"is chosen at (http://127\.0\.0\.1:\d+)", program.said)
    assert found, program.said

    with httpx.Client(base_url=address, trust_env=False, timeout=60) as site:
        products = site.get("/api/payments/products").json()
        assert products["payments"] == "on"
        bought = site.post("/api/payments/checkout", json={"product": "chat"}).json()
        here = f"/api/payments/checkout/{bought['id']}"
        assert bought["url"].startswith(found[1])

        with httpx.Client(base_url=found[1], trust_env=False) as till:
            paid = till.post(bought["url"], data={"action": "pay"})
            assert f"/checkout/{bought['id']}?session=cs_test_" in paid.headers["location"]
            until(lambda: was_taken(till, "checkout.session.completed"), within_s=60)
            assert was_taken(till, "checkout.session.completed")
            assert site.get(here).json()["status"] == "paid"

            charge = re.search(r'value="(ch_\w+)"', till.get("/").text)
            assert charge
            till.post("/staff/refund", data={"id": charge[1]})
            until(lambda: was_taken(till, "charge.refunded"), within_s=60)
        assert site.get(here).json()["status"] == "refunded"

    program.popen.send_signal(signal.SIGTERM)
    assert program.ended() == 0
    assert processes_of(state) == []

    # The account is kept, as the product's own data are.
    again = launch("dev.run", PAYMENTS="standin")
    address_of(again)
    assert found[1] in again.said
    assert bought["id"] in httpx.get(found[1], trust_env=False).text


def was_taken(till: httpx.Client, event: str) -> bool:
    """Whether the product's webhook took an event at the first knock."""
    row = rf"<td>{re.escape(event)}<br><code>\w+</code></td><td>200</td>"
    return re.search(row, till.get("/").text) is not None
