"""Every environment variable, typed; read once, when a process starts.

A value that cannot be used stops the start with one sentence naming the variable.
"""

import ipaddress
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from croniter import croniter
from dotenv import load_dotenv
from msgspec import Meta

from domain.wording import what_is_wrong

DEVELOPMENT_SECRET = "development-only-secret"

BUDGET_AT_MOST_USD = 10_000_000
"""What the ledger's numbers have room for."""

Limits = Annotated[str, Meta(pattern=r"^[1-9]\d{0,6}/[1-9]\d{0,6}(,[1-9]\d{0,6}/[1-9]\d{0,6})*$")]
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
"""The services' own keys for tests, which let everybody pass or nobody."""


TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
"""Read by the library behind the chat agent."""


class WrongSetting(SystemExit):
    """A variable's value cannot be used; the process ends with the sentence."""


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    # Every process
    environment: Literal["development", "test", "production"] = "development"
    debug: bool = False
    """Logs every SQL statement, without its values; refused in production."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    database_url: str = "postgresql://127.0.0.1:5432/factoids"
    """postgresql://user:password@host:port/database"""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """Redis 7 or Valkey 8 and newer: the job queue, progress of generations, live changes."""
    secret_key: str = DEVELOPMENT_SECRET
    """Signs visitor cookies and cursors, seals API keys. At least 32 characters in production."""
    secret_key_previous: str | None = None
    """The secret before: what it signed is still known, and signed anew when it is met."""
    public_url: str = ""
    """Where readers find the site, without a slash at the end; permalinks start with it."""

    # web and api
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    api_url: str | None = None
    """Where the pages reach the API when it does not run in the same process."""
    reflex_redis_url: str | None = None
    """Page state for more than one web process; needed from the second process on."""
    trusted_proxy_hops: Annotated[int, Meta(ge=0, le=5)] = 0
    """How many proxies in front are ours: so many right-most X-Forwarded-For hops count."""
    read_pool_size: Annotated[int, Meta(ge=1, le=100)] = 8
    """Connections for the hot reads, per process."""
    write_pool_size: Annotated[int, Meta(ge=2, le=100)] = 10
    """Connections for everything else, per process."""
    generate_limits: Limits = "1/60,3/3600,20/86400"
    """Free generations, for each visitor and for each network. All limits are counts per
    seconds, `count/window,…`, over windows that slide."""
    key_generate_limits: Limits = "5/60,50/3600,200/86400"
    """Generations of an API key that has no limits of its own."""
    vote_limits: Limits = "50/60"
    """Votes of one visitor or API key."""
    network_vote_limits: Limits = "300/60"
    """Votes of all visitors of one network."""
    feedback_limits: Limits = "20/3600"
    """Written feedback of one visitor or API key."""
    network_feedback_limits: Limits = "100/3600"
    """Written feedback of all visitors of one network."""
    checkout_limits: Limits = "10/3600"
    """Payments begun by a visitor, a network or an API key."""
    chat_limits: Limits = "10/60,200/86400"
    """Messages to the chat by a visitor, a network or an API key."""
    read_limits: Limits = "1200/60"
    """Reads of all visitors of one network."""
    key_read_limits: Limits = "600/60"
    """Reads of one API key."""

    # What may be spent on a UTC day, in US dollars
    budget_usd: Decimal = Decimal(5)
    """By everybody together."""
    budget_visitors_usd: Decimal = Decimal(3)
    """By all visitors together."""
    budget_keys_usd: Decimal = Decimal("1.5")
    """By all API keys together."""
    budget_scheduled_usd: Decimal = Decimal("0.5")
    """By the schedule. These three may not be more than BUDGET_USD together."""
    budget_visitor_usd: Decimal = Decimal("0.25")
    """By each visitor."""
    budget_key_usd: Decimal = Decimal("0.5")
    """By each API key that has not been given a budget of its own."""
    captcha_provider: Literal["turnstile", "hcaptcha"] | None = None
    """Who tells people from machines when somebody asks too often; without one nobody is asked."""
    captcha_site_key: str | None = None
    """The provider's public key, shown by the page."""
    captcha_secret: str | None = None
    """The provider's secret key."""
    captcha_verify_url: str | None = None
    """Where tokens are verified, when that is not the provider's own address."""
    captcha_after_refusals: Annotated[int, Meta(ge=1, le=1_000)] = 5
    """Refused generations an hour, of a visitor or a network, after which people are asked."""

    # Alerts on spending; the log always has them
    smtp_url: str | None = None
    """smtp://user:password@host:587, or smtps:// where it is encrypted from the start."""
    alert_email_from: str = ""
    alert_email_to: str = ""
    """Addresses, separated by commas."""
    slack_webhook_url: str | None = None
    """The secret address of a Slack "incoming webhook"."""
    posthog_api_key: str | None = None
    """The project's key; PostHog is told nothing without it."""
    posthog_host: str = "https://us.i.posthog.com"

    # worker and cron
    openrouter_api_key: str | None = None
    openrouter_base_url: str = "https://openrouter.ai/api/v1"
    standin_model: bool = False
    """Set by `make run` when the stand-in answers instead of OpenRouter."""
    models_allowed: str = "openai/*,anthropic/*,google/*,mistralai/*,meta-llama/*,qwen/*,deepseek/*"
    """Shell patterns of model ids that may be used at all."""
    model_price_ceiling_usd: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] = "5"
    """The dearest completion price allowed, in US dollars per million tokens."""
    tavily_api_key: str | None = None
    """From https://tavily.com; without one the chat agent cannot search the web, and says so."""
    tavily_base_url: str = "https://api.tavily.com"
    factoid_schedule: str = "0 * * * *"
    """When a factoid is published by itself: cron syntax, UTC."""

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def server_secrets(self) -> tuple[str, ...]:
        """The secret in force, then the one on its way out."""
        return tuple(filter(None, (self.secret_key, self.secret_key_previous)))

    @property
    def site_url(self) -> str:
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"


def load() -> Settings:
    """Read the environment (and `.env` outside production).

    Raises:
        WrongSetting: A variable cannot be used; says which and why.
    """
    if os.environ.get("ENVIRONMENT") != "production":
        load_dotenv()
    if traced := sorted(name for name in TRACING if os.environ.get(name)):
        raise WrongSetting(
            f"{traced[0]}: must not be set; it would send what visitors say to another company."
        )
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}
    given = {name: value for name, value in os.environ.items() if name in known and value != ""}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`") or "Environment"
        raise WrongSetting(f"{name}: {what_is_wrong(reason)}") from None
    _check(settings)
    if settings.production:
        _check_production(settings, given)
    return settings


def _check(settings: Settings) -> None:
    _address("DATABASE_URL", settings.database_url, {"postgresql", "postgres"})
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
    if not croniter.is_valid(settings.factoid_schedule):
        raise WrongSetting('FACTOID_SCHEDULE: must be a cron line such as "0 * * * *".')


def _check_budgets(settings: Settings) -> None:
    """Every pot within the day's budget can be used up by itself, so that none starves another."""
    for name in ("", "_VISITORS", "_KEYS", "_SCHEDULED", "_VISITOR", "_KEY"):
        amount: Decimal = getattr(settings, f"budget{name}_usd".lower())
        if not amount.is_finite() or not 0 <= amount < BUDGET_AT_MOST_USD:
            raise WrongSetting(f"BUDGET{name}_USD: must be US dollars from 0 to 9999999.")
    parts = settings.budget_visitors_usd + settings.budget_keys_usd + settings.budget_scheduled_usd
    if parts > settings.budget_usd:
        raise WrongSetting(
            f"BUDGET_USD: must be at least {parts}, which is what BUDGET_VISITORS_USD,"
            " BUDGET_KEYS_USD and BUDGET_SCHEDULED_USD are together."
        )


def _check_alerts(settings: Settings) -> None:
    if settings.smtp_url:
        _address("SMTP_URL", settings.smtp_url, {"smtp", "smtps"})
        for name in ("ALERT_EMAIL_FROM", "ALERT_EMAIL_TO"):
            if "@" not in getattr(settings, name.lower()):
                raise WrongSetting(f"{name}: must be an e-mail address when SMTP_URL is set.")
    if settings.slack_webhook_url:
        _address("SLACK_WEBHOOK_URL", settings.slack_webhook_url, {"http", "https"})
    _address("POSTHOG_HOST", settings.posthog_host, {"http", "https"})


def _address(name: str, value: str, schemes: set[str]) -> None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise WrongSetting(f"{name}: is not an address.") from None
    if parts.scheme not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise WrongSetting(f"{name}: must start with {wanted}.")


def _check_production(settings: Settings, given: Mapping[str, str]) -> None:
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
    if _is_here(settings.openrouter_base_url):
        raise WrongSetting("OPENROUTER_BASE_URL: points at this machine, which is a stand-in.")
    if not settings.openrouter_base_url.startswith("https://"):
        raise WrongSetting("OPENROUTER_BASE_URL: must be an https:// address in production.")
    for name in ("SLACK_WEBHOOK_URL", "POSTHOG_HOST", "TAVILY_BASE_URL"):
        address: str | None = getattr(settings, name.lower())
        if address and not address.startswith("https://"):
            raise WrongSetting(f"{name}: must be an https:// address in production.")
    if not settings.public_url.startswith("https://") or _is_here(settings.public_url):
        raise WrongSetting("PUBLIC_URL: must be the site's https:// address in production.")
    if settings.captcha_secret in CAPTCHA_TEST_SECRETS:
        raise WrongSetting("CAPTCHA_SECRET: is the provider's test key, which anybody passes.")
    if settings.captcha_site_key in CAPTCHA_TEST_SITE_KEYS:
        raise WrongSetting("CAPTCHA_SITE_KEY: is the provider's test key, which anybody passes.")
    if settings.captcha_verify_url and (
        _is_here(settings.captcha_verify_url)
        or not settings.captcha_verify_url.startswith("https://")
    ):
        raise WrongSetting("CAPTCHA_VERIFY_URL: must be a provider's https:// address.")


def _is_here(address: str) -> bool:
    host = (urlsplit(address).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified


settings = load()
