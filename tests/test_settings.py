"""What may be set, and what stops a start."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from settings import Settings, load
from settings.checks import DEVELOPMENT_SECRET, WrongSetting

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / ".env.example").read_text()
SECRET = "0123456789abcdef0123456789abcdef"

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": SECRET,
    "DATABASE_URL": "postgresql://app:hunter2@db.internal/factoids",
    "REDIS_URL": "redis://:hunter2@kv.internal:6379/0",
    "PUBLIC_URL": "https://factoids.example",
    "OPENROUTER_API_KEY": "sk-or-v1-hunter2hunter2",
}


def start(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python on these variables and no others, away from any `.env`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def documented() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))


def test_every_variable_is_documented_and_nothing_else_is():
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}

    assert set(documented()) == known


def test_the_documented_defaults_are_the_real_ones():
    given = {name: value for name, value in documented().items() if value}

    assert msgspec.convert(given, Settings, strict=False) == Settings()


def test_every_variable_says_what_it_is_for():
    blocks = re.split(r"\n\s*\n", EXAMPLE)
    undescribed = [
        name
        for name in documented()
        for block in blocks
        if re.search(rf"^{name}=", block, re.MULTILINE) and not block.lstrip().startswith("#")
    ]
    assert undescribed in ([], ["OPENROUTER_BASE_URL"])


def test_production_starts_with_real_values():
    assert load(PRODUCTION).production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("SECRET_KEY", DEVELOPMENT_SECRET),
        ("SECRET_KEY", "short"),
        ("DEBUG", "true"),
        ("DEBUG", "1"),
        ("STANDIN_MODEL", "1"),
        ("OPENROUTER_BASE_URL", "http://127.0.0.1:8123/api/v1"),
        ("OPENROUTER_BASE_URL", "http://localhost:8123/api/v1"),
        ("OPENROUTER_BASE_URL", "https://[::1]/api/v1"),
        ("OPENROUTER_BASE_URL", "https://127.8.8.8/api/v1"),
        ("OPENROUTER_BASE_URL", "http://0.0.0.0/api/v1"),
        ("OPENROUTER_BASE_URL", "http://openrouter.ai/api/v1"),
        ("DATABASE_URL", None),
        ("REDIS_URL", None),
        ("PUBLIC_URL", None),
        ("PUBLIC_URL", "http://factoids.example"),
        ("PUBLIC_URL", "https://localhost"),
        ("SLACK_WEBHOOK_URL", "http://hooks.example/hunter2"),
        ("POSTHOG_HOST", "http://posthog.example"),
        ("TAVILY_BASE_URL", "http://tavily.example"),
    ],
)
def test_production_refuses_what_is_for_development(name, value):
    variables = {**PRODUCTION, name: value}
    given = {key: value for key, value in variables.items() if value is not None}

    check_refusal(given, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("ENVIRONMENT", "staging"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://app:hunter2@db/factoids"),
        ("DATABASE_URL", "postgresql://app:hunter2@db:many/factoids"),
        ("REDIS_URL", "hunter2@kv"),
        ("PUBLIC_URL", "factoids.example"),
        ("API_URL", "here"),
        ("REFLEX_REDIS_URL", "http://kv"),
        ("TRUSTED_PROXY_HOPS", "-1"),
        ("TRUSTED_PROXY_HOPS", "*"),
        ("READ_POOL_SIZE", "0"),
        ("GENERATE_LIMITS", "three an hour"),
        ("GENERATE_LIMITS", "0/60"),
        ("MODEL_PRICE_CEILING_USD", "cheap"),
        ("BUDGET_USD", "a lot"),
        ("BUDGET_USD", "-1"),
        ("BUDGET_VISITOR_USD", "NaN"),
        ("BUDGET_KEY_USD", "Infinity"),
        ("SLACK_WEBHOOK_URL", "slack"),
        ("POSTHOG_HOST", "posthog"),
        ("TAVILY_BASE_URL", "tavily"),
        ("LANGSMITH_TRACING", "true"),
        ("LANGCHAIN_TRACING_V2", "hunter2"),
        ("FACTOID_SCHEDULE", "hourly"),
        ("DEBUG", "maybe"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name, value):
    check_refusal({name: value}, name)


def test_parts_of_the_budget_that_could_starve_each_other_are_refused():
    parts = {
        "BUDGET_VISITORS_USD": "3",
        "BUDGET_KEYS_USD": "1.5",
        "BUDGET_SCHEDULED_USD": "0.5",
        "BUDGET_PAID_USD": "2.000001",
    }

    check_refusal(parts | {"BUDGET_USD": "7"}, "BUDGET_USD")
    assert load(parts | {"BUDGET_USD": "7.000001"})


@pytest.mark.parametrize("missing", ["ALERT_EMAIL_FROM", "ALERT_EMAIL_TO"])
def test_alerts_by_mail_need_both_ends(missing):
    mail = {
        "SMTP_URL": "smtp://site:hunter2@mail.internal:587",
        "ALERT_EMAIL_FROM": "site@factoids.example",
        "ALERT_EMAIL_TO": "owner@factoids.example",
    }

    check_refusal(mail | {missing: ""}, missing)


@pytest.mark.processes
@pytest.mark.parametrize(
    "entry_point",
    [
        "import api.app; api.app.create_app()",
        "import jobs.worker; jobs.worker.settings()",
        "import db.migrations.config",
    ],
)
def test_no_process_starts_with_the_development_secret(entry_point: str):
    done = start(entry_point, **PRODUCTION | {"SECRET_KEY": DEVELOPMENT_SECRET})

    assert done.returncode == 1, done
    check_sentence(done.stderr.strip(), "SECRET_KEY")


def check_refusal(variables: Mapping[str, str], name: str) -> None:
    """The variables stop a start, with a sentence that names one of them and holds no value."""
    with pytest.raises(WrongSetting) as refused:
        load(variables)
    check_sentence(str(refused.value), name)


def check_sentence(sentence: str, name: str) -> None:
    assert sentence.startswith(f"{name}: ")
    assert len(sentence.splitlines()) == 1
    assert sentence.endswith(".")
    assert "hunter2" not in sentence


TURNSTILE = {
    "CAPTCHA_PROVIDER": "turnstile",
    "CAPTCHA_SITE_KEY": "0x4AAAAAAAreal",
    "CAPTCHA_SECRET": "0x4AAAAAAAreal-secret",
}


def test_production_starts_with_a_real_captcha():
    assert load(PRODUCTION | TURNSTILE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("CAPTCHA_SECRET", f"{first}x{31 * '0'}AA") for first in "123"),
        ("CAPTCHA_SECRET", "0x" + 40 * "0"),
        ("CAPTCHA_SITE_KEY", "1x00000000000000000000AA"),
        ("CAPTCHA_SITE_KEY", "2x00000000000000000000AB"),
        ("CAPTCHA_SITE_KEY", "3x00000000000000000000FF"),
        ("CAPTCHA_SITE_KEY", "10000000-ffff-ffff-ffff-000000000001"),
        ("CAPTCHA_VERIFY_URL", "http://127.0.0.1:9999/"),
        ("CAPTCHA_VERIFY_URL", "https://localhost/"),
        ("CAPTCHA_VERIFY_URL", "http://captcha.example/"),
        ("CAPTCHA_SECRET", ""),
        ("CAPTCHA_PROVIDER", ""),
        ("CAPTCHA_PROVIDER", "recaptcha"),
    ],
)
def test_production_refuses_a_captcha_anybody_passes(name: str, value: str):
    check_refusal(PRODUCTION | TURNSTILE | {name: value}, name)


STRIPE = {"STRIPE_SECRET_KEY": "sk_live_hunter2hunter2", "STRIPE_WEBHOOK_SECRETS": "whsec_hunter2"}


@pytest.mark.parametrize("key", ["sk_live_hunter2", "rk_live_hunter2", "sk_test_hunter2"])
def test_production_starts_with_payments(key: str):
    assert load(PRODUCTION | STRIPE | {"STRIPE_SECRET_KEY": key})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", ""),
        ("STRIPE_WEBHOOK_SECRETS", ""),
        ("STRIPE_WEBHOOK_SECRETS", " , "),
        ("STRIPE_SECRET_KEY", "pk_live_hunter2"),
        ("STRIPE_SECRET_KEY", "hunter2"),
        ("STRIPE_API_URL", "http://127.0.0.1:9999"),
        ("STRIPE_API_URL", "https://localhost"),
        ("STRIPE_API_URL", "http://api.stripe.example"),
        ("STRIPE_API_URL", "stripe"),
        ("PAYMENTS_CURRENCY", "dollars"),
        ("STRIPE_PRICE_CHAT", "prod_hunter2"),
        ("PRICE_CHAT", "0"),
        ("PRICE_BOOSTER_PACK", "4.99"),
    ],
)
def test_payments_that_could_not_work_are_refused(name: str, value: str):
    check_refusal(PRODUCTION | STRIPE | {name: value}, name)


def test_another_currency_needs_prices_of_its_own():
    yen = {"PAYMENTS_CURRENCY": "jpy", "PRICE_BOOSTER_PACK": "800", "PRICE_CHAT": "1400"}

    assert load(STRIPE | yen)
    check_refusal(STRIPE | yen | {"PRICE_CHAT": ""}, "PRICE_CHAT")


def test_while_the_webhooks_secret_is_changed_both_are_known():
    both = Settings(stripe_webhook_secrets="whsec_new, whsec_old,")

    assert both.webhook_secrets == ("whsec_new", "whsec_old")
    assert Settings().webhook_secrets == ()
