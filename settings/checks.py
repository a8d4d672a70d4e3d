"""Checks of the settings' values: alone, in combination, and for production."""

import ipaddress
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from croniter import croniter

from settings.postgres import read_postgres_url

if TYPE_CHECKING:
    from settings import Settings

DEVELOPMENT_SECRET = "development-only-secret"

BUDGET_AT_MOST_USD = 10_000_000
"""The upper bound of the ledger's columns."""

BUDGET_PARTS = ("_VISITORS", "_KEYS", "_SCHEDULED", "_PAID")

CAPTCHA_TEST_SECRETS = {
    "1x0000000000000000000000000000000AA",
    "2x0000000000000000000000000000000AA",
    "3x0000000000000000000000000000000AA",
    "0x0000000000000000000000000000000000000000",
}
CAPTCHA_TEST_SITE_KEYS = {
    "1x00000000000000000000AA",
    "1x00000000000000000000BB",
    "2x00000000000000000000AB",
    "2x00000000000000000000BB",
    "3x00000000000000000000FF",
    "10000000-ffff-ffff-ffff-000000000001",
    "20000000-ffff-ffff-ffff-000000000002",
    "30000000-ffff-ffff-ffff-000000000003",
}
"""The providers' published test keys, which always pass or always fail."""


DOLLARS = "usd"
"""The currency whose prices need no setting."""


class WrongSetting(SystemExit):
    """A variable's value cannot be used; the process ends with the sentence."""


def check(settings: "Settings") -> None:
    try:
        read_postgres_url(settings.database_url)
    except ValueError as error:
        raise WrongSetting(f"DATABASE_URL: {error}") from None
    _address("REDIS_URL", settings.redis_url, {"redis", "rediss", "unix"})
    _address("OPENROUTER_BASE_URL", settings.openrouter_base_url, {"http", "https"})
    _address("TAVILY_BASE_URL", settings.tavily_base_url, {"http", "https"})
    if settings.public_url:
        _address("PUBLIC_URL", settings.public_url, {"http", "https"})
    if settings.api_url:
        _address("API_URL", settings.api_url, {"http", "https"})
    if settings.reflex_redis_url:
        _address("REFLEX_REDIS_URL", settings.reflex_redis_url, {"redis", "rediss", "unix"})
    _check_budgets(settings)
    if not settings.tavily_search_usd.is_finite() or not 0 < settings.tavily_search_usd <= 1:
        raise WrongSetting("TAVILY_SEARCH_USD: must be US dollars above 0, at most 1.")
    if settings.captcha_verify_url:
        _address("CAPTCHA_VERIFY_URL", settings.captcha_verify_url, {"http", "https"})
    captcha = {
        "CAPTCHA_PROVIDER": settings.captcha_provider,
        "CAPTCHA_SITE_KEY": settings.captcha_site_key,
        "CAPTCHA_SECRET": settings.captcha_secret,
    }
    if any(captcha.values()) and not all(captcha.values()):
        missing = next(name for name, value in captcha.items() if not value)
        raise WrongSetting(f"{missing}: must be set too; a captcha needs provider and both keys.")
    _check_alerts(settings)
    _check_payments(settings)
    if not croniter.is_valid(settings.factoid_schedule):
        raise WrongSetting('FACTOID_SCHEDULE: must be a cron line such as "0 * * * *".')


def _check_budgets(settings: "Settings") -> None:
    """The parts fit into the whole together, so that no pot can starve another."""
    for name in ("", *BUDGET_PARTS, "_VISITOR", "_KEY", "_BUYER"):
        amount: Decimal = getattr(settings, f"budget{name}_usd".lower())
        if not amount.is_finite() or not 0 <= amount < BUDGET_AT_MOST_USD:
            raise WrongSetting(f"BUDGET{name}_USD: must be US dollars from 0 to 9999999.")
    amounts: list[Decimal] = [getattr(settings, f"budget{n}_usd".lower()) for n in BUDGET_PARTS]
    parts = sum(amounts, Decimal(0))
    if parts > settings.budget_usd:
        raise WrongSetting(
            f"BUDGET_USD: must be at least {parts}, which is what BUDGET_VISITORS_USD,"
            " BUDGET_KEYS_USD, BUDGET_SCHEDULED_USD and BUDGET_PAID_USD are together."
        )


def _check_alerts(settings: "Settings") -> None:
    if settings.smtp_url:
        _address("SMTP_URL", settings.smtp_url, {"smtp", "smtps"})
        for name in ("ALERT_EMAIL_FROM", "ALERT_EMAIL_TO"):
            if "@" not in getattr(settings, name.lower()):
                raise WrongSetting(f"{name}: must be an e-mail address when SMTP_URL is set.")
    if settings.slack_webhook_url:
        _address("SLACK_WEBHOOK_URL", settings.slack_webhook_url, {"http", "https"})
    _address("POSTHOG_HOST", settings.posthog_host, {"http", "https"})


def _check_payments(settings: "Settings") -> None:
    keys = {
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_WEBHOOK_SECRETS": settings.webhook_secrets,
    }
    if any(keys.values()) and not all(keys.values()):
        missing = next(name for name, value in keys.items() if not value)
        raise WrongSetting(f"{missing}: must be set too; payments need the key and the secrets.")
    if settings.stripe_api_url:
        _address("STRIPE_API_URL", settings.stripe_api_url, {"http", "https"})
    if settings.stripe_secret_key and settings.payments_currency != DOLLARS:
        for name in ("PRICE_BOOSTER_PACK", "PRICE_CHAT"):
            if getattr(settings, name.lower()) is None:
                raise WrongSetting(f"{name}: must be set when PAYMENTS_CURRENCY is not usd.")


def _address(name: str, value: str, schemes: set[str]) -> None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise WrongSetting(f"{name}: is not an address.") from None
    if parts.scheme not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise WrongSetting(f"{name}: must start with {wanted}.")


def check_production(settings: "Settings", given: Mapping[str, str]) -> None:
    if settings.debug:
        raise WrongSetting("DEBUG: must be off in production.")
    if settings.secret_key == DEVELOPMENT_SECRET:
        raise WrongSetting("SECRET_KEY: the development secret may not be used in production.")
    if len(settings.secret_key) < 32:
        raise WrongSetting("SECRET_KEY: needs at least 32 characters in production.")
    if settings.secret_key_previous is not None and len(settings.secret_key_previous) < 32:
        raise WrongSetting("SECRET_KEY_PREVIOUS: needs at least 32 characters in production.")
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name not in given:
            raise WrongSetting(f"{name}: must be set in production.")
    if settings.standin_model:
        raise WrongSetting("STANDIN_MODEL: the stand-in may not answer in production.")
    if settings.model_prices is None:
        if _is_local(settings.openrouter_base_url):
            raise WrongSetting("OPENROUTER_BASE_URL: points at this machine, which is a stand-in.")
        if not settings.openrouter_base_url.startswith("https://"):
            raise WrongSetting("OPENROUTER_BASE_URL: must be an https:// address in production.")
    if settings.stripe_api_url and _is_local(settings.stripe_api_url):
        raise WrongSetting("STRIPE_API_URL: points at this machine, which is a stand-in.")
    for name in ("SLACK_WEBHOOK_URL", "POSTHOG_HOST", "STRIPE_API_URL", "TAVILY_BASE_URL"):
        address: str | None = getattr(settings, name.lower())
        if address and (_is_local(address) or not address.startswith("https://")):
            raise WrongSetting(f"{name}: must be an https:// address elsewhere in production.")
    if not settings.public_url.startswith("https://") or _is_local(settings.public_url):
        raise WrongSetting("PUBLIC_URL: must be the site's https:// address in production.")
    if settings.captcha_secret in CAPTCHA_TEST_SECRETS:
        raise WrongSetting("CAPTCHA_SECRET: is the provider's test key, which anybody passes.")
    if settings.captcha_site_key in CAPTCHA_TEST_SITE_KEYS:
        raise WrongSetting("CAPTCHA_SITE_KEY: is the provider's test key, which anybody passes.")
    if settings.captcha_verify_url and (
        _is_local(settings.captcha_verify_url)
        or not settings.captcha_verify_url.startswith("https://")
    ):
        raise WrongSetting("CAPTCHA_VERIFY_URL: must be a provider's https:// address.")


def _is_local(address: str) -> bool:
    host = (urlsplit(address).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified
