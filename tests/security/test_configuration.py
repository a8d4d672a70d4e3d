"""Production starts with nothing that is for trying out, and says in a sentence what it is."""

import pytest

from settings import load
from settings.checks import CAPTCHA_TEST_SECRETS, CAPTCHA_TEST_SITE_KEYS
from tests.test_settings import PRODUCTION, TURNSTILE, check_refusal

MAIL = {"SMTP_URL": "smtps://site:hunter2@mail.internal", "ALERT_EMAIL_FROM": "a@factoids.example"}
WRONG = [
    *(("CAPTCHA_SECRET", one) for one in sorted(CAPTCHA_TEST_SECRETS)),
    *(("CAPTCHA_SITE_KEY", one) for one in sorted(CAPTCHA_TEST_SITE_KEYS)),
    ("CAPTCHA_VERIFY_URL", "https://127.0.0.1/hunter2"),
    ("CAPTCHA_VERIFY_URL", "ftp://hunter2"),
    ("CAPTCHA_AFTER_REFUSALS", "0"),
    ("CAPTCHA_SITE_KEY", ""),
    *((f"BUDGET{pot}_USD", "-0.01") for pot in ("", "_VISITORS", "_KEYS", "_SCHEDULED", "_PAID")),
    *((f"BUDGET{pot}_USD", "sNaN") for pot in ("_VISITOR", "_KEY", "_BUYER")),
    ("BUDGET_USD", "1e99"),
    ("BUDGET_USD", "0.01"),
    ("SMTP_URL", "http://hunter2@mail.internal"),
    ("ALERT_EMAIL_TO", "hunter2"),
    ("SLACK_WEBHOOK_URL", "http://hooks.example/hunter2"),
    ("SLACK_WEBHOOK_URL", "https://localhost/hunter2"),
    ("SLACK_WEBHOOK_URL", "https://hunter2@127.8.8.8:8443/services"),
    ("POSTHOG_HOST", "http://posthog.example"),
    ("POSTHOG_HOST", "https://localhost:8000"),
    ("POSTHOG_HOST", "https://[::1]"),
    ("SECRET_KEY_PREVIOUS", "hunter2"),
    *((f"{one}_LIMITS", "0/60") for one in ("KEY_GENERATE", "VOTE", "NETWORK_VOTE", "FEEDBACK")),
    *((f"{one}_LIMITS", "1/0") for one in ("CHECKOUT", "CHAT", "READ", "KEY_READ")),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_production_refuses_it_and_names_it(name: str, value: str):
    given = PRODUCTION | TURNSTILE | MAIL | {"ALERT_EMAIL_TO": "b@factoids.example"}

    check_refusal(given | {name: value}, name)


def test_production_starts_with_all_of_it_set_well():
    assert load(PRODUCTION | TURNSTILE | MAIL | {"ALERT_EMAIL_TO": "b@factoids.example"})
