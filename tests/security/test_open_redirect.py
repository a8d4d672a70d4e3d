"""Nobody says where a payment leads back to: security check 40."""

import httpx

from tests.api.test_problems import check_problem
from tests.fixtures.payments import CHECKOUT, Shop

ELSEWHERE = [
    *("https://evil.example", "http://evil.example", "//evil.example", "///evil.example"),
    *("\\\\evil.example", "/\\evil.example", "\\/evil.example", "https:evil.example"),
    *("https:/evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "\tjavascript:alert(1)"),
    *("java\nscript:alert(1)", "data:text/html,<script>", "https://factoids.test@evil.example"),
    *(
        "https://factoids.test.evil.example",
        "https://evil.example#factoids.test",
        "/%09/evil.example",
    ),
    *("/%5cevil.example", "https://evil。example", "http://[::1]", "http://127.0.0.1:1"),
]
FIELDS = ["success_url", "cancel_url", "next", "return_url", "url"]


async def test_no_address_of_somebody_elses_gets_to_stripe(shop: Shop, buyer: httpx.AsyncClient):
    tried = 0
    for place, address in enumerate(ELSEWHERE):
        for field in FIELDS:
            body = {"product": "booster_pack", field: address}
            check_problem(await buyer.post(CHECKOUT, json=body), 422)
            tried += 1
        odd = {"product": "booster_pack", "topic": f"number {place}"}
        named = {"x-forwarded-host": "evil.example", "referer": "https://evil.example/"}
        answer = await buyer.post(
            CHECKOUT, json=odd, params=dict.fromkeys(FIELDS, address), headers=named
        )
        assert answer.status_code == 201, answer.text
        tried += len(FIELDS)

    assert tried > 200
    asked = [one for one in shop.stripe.asked if one.method == "POST"]
    assert len(asked) == len(ELSEWHERE)
    for one in asked:
        assert one.params["success_url"].startswith("http://factoids.test/checkout/")
        assert one.params["cancel_url"].startswith("http://factoids.test/checkout/")
        assert "evil" not in str(one.params)
