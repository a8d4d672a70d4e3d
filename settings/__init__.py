"""Every environment variable, typed; read once, by the entry point of a process.

A value that cannot be used stops the start with one sentence naming the variable.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from settings.checks import DEVELOPMENT_SECRET, DOLLARS, WrongSetting, check, check_production
from settings.validation_messages import humanize

Limits = Annotated[str, Meta(pattern=r"^[1-9]\d{0,6}/[1-9]\d{0,6}(,[1-9]\d{0,6}/[1-9]\d{0,6})*$")]
Price = Annotated[int, Meta(ge=1, le=99_999_999)]
StripePrice = Annotated[str, Meta(pattern=r"^price_[!-~]+$")]

TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
"""Read by the library behind the chat agent."""


OPENROUTER_MODELS = "openai/*,anthropic/*,google/*,mistralai/*,meta-llama/*,qwen/*,deepseek/*"


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
    """Signs cookies and cursors, and hashes API keys. At least 32 characters in production."""
    secret_key_previous: str | None = None
    """The previous secret: its signatures stay valid, and are renewed when they are used."""
    public_url: str = ""
    """The site's public address without a trailing slash; permalinks start with it."""

    # web and api
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    api_url: str | None = None
    """The API's address for the pages, when it runs in another process."""
    reflex_redis_url: str | None = None
    """Page state for more than one web process; needed from the second process on."""
    trusted_proxy_hops: Annotated[int, Meta(ge=0, le=5)] = 0
    """The number of our own proxies: that many right-most X-Forwarded-For entries are trusted."""
    read_pool_size: Annotated[int, Meta(ge=1, le=100)] = 8
    """Connections for the hot reads, per process."""
    write_pool_size: Annotated[int, Meta(ge=2, le=100)] = 10
    """Connections for everything else, per process."""
    generate_limits: Limits = "1/60,3/3600,20/86400"
    """Free generations, for each visitor and for each network. All limits are counts per
    seconds, `count/window,…`, over windows that slide."""
    key_generate_limits: Limits = "5/60,50/3600,200/86400"
    """Generations of an API key without limits of its own."""
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
    recover_limits: Limits = "10/3600"
    """Recovery links tried by a visitor or a network."""
    chat_limits: Limits = "10/60,200/86400"
    """Messages to the chat by a visitor, a network or an API key."""
    read_limits: Limits = "1200/60"
    """Reads of all visitors of one network."""
    key_read_limits: Limits = "600/60"
    """Reads of one API key."""

    # What may be spent on a UTC day, in US dollars
    budget_usd: Decimal = Decimal(7)
    """By all callers together."""
    budget_visitors_usd: Decimal = Decimal(3)
    """By all visitors together."""
    budget_keys_usd: Decimal = Decimal("1.5")
    """By all API keys together."""
    budget_scheduled_usd: Decimal = Decimal("0.5")
    """By the schedule."""
    budget_paid_usd: Decimal = Decimal(2)
    """For what credits pay for. These four may not be more than BUDGET_USD together."""
    budget_visitor_usd: Decimal = Decimal("0.25")
    """By each visitor."""
    budget_key_usd: Decimal = Decimal("0.5")
    """By each API key without a budget of its own."""
    budget_buyer_usd: Decimal = Decimal(1)
    """By the credits of each buyer."""
    captcha_provider: Literal["turnstile", "hcaptcha"] | None = None
    """The captcha shown after too many refusals; if unset, none is shown."""
    captcha_site_key: str | None = None
    """The provider's public key, shown by the page."""
    captcha_secret: str | None = None
    """The provider's secret key."""
    captcha_verify_url: str | None = None
    """The address that verifies tokens, if it is not the provider's own."""
    captcha_after_refusals: Annotated[int, Meta(ge=1, le=1_000)] = 5
    """Refused generations an hour, of a visitor or a network, before a captcha is shown."""

    # Budget alerts; they are always logged as well
    smtp_url: str | None = None
    """smtp://user:password@host:587, or smtps:// for implicit TLS."""
    alert_email_from: str = ""
    alert_email_to: str = ""
    """Addresses, separated by commas."""
    slack_webhook_url: str | None = None
    """The secret address of a Slack "incoming webhook"."""
    posthog_api_key: str | None = None
    """The project's key; without it nothing is sent to PostHog."""
    posthog_host: str = "https://us.i.posthog.com"

    # Payments, which are off unless the key and the webhook secrets are set
    stripe_secret_key: Annotated[str, Meta(pattern=r"^(sk|rk)_(test|live)_[!-~]+$")] | None = None
    """A test key takes no real money."""
    stripe_webhook_secrets: str = ""
    """The secrets of the webhook's signatures, newest first, separated by commas."""
    stripe_api_url: str | None = None
    """Stripe's address, if it is not its own."""
    payments_currency: Annotated[str, Meta(pattern=r"^[a-z]{3}$")] = DOLLARS
    """The ISO code in lower case, as at Stripe."""
    price_booster_pack: Price | None = None
    """In the currency's smallest unit; in US dollars 500 by default."""
    price_chat: Price | None = None
    """In the currency's smallest unit; in US dollars 900 by default."""
    stripe_price_booster_pack: StripePrice | None = None
    """The id of a price at Stripe, of the same amount; without it our amount is sent."""
    stripe_price_chat: StripePrice | None = None

    # worker and cron
    openrouter_api_key: str | None = None
    openrouter_base_url: str = "https://openrouter.ai/api/v1"
    standin_model: bool = False
    """Set by `make run` when the stand-in answers instead of OpenRouter."""
    models_price_usd: Annotated[str, Meta(pattern=r"^(free|\d+(\.\d+)?/\d+(\.\d+)?)?$")] = ""
    """Set where `openrouter_base_url` is another server with OpenAI's interface: US dollars per
    million tokens of a prompt and of an answer, or "free", for models without a price.
    """
    models_allowed: str = ""
    """Shell patterns of the model ids that may be used; see `model_patterns`."""
    model_price_ceiling_usd: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] = "5"
    """The highest completion price allowed, in US dollars per million tokens."""
    tavily_api_key: str | None = None
    """From https://tavily.com; without one the chat agent cannot search the web."""
    tavily_base_url: str = "https://api.tavily.com"
    tavily_search_usd: Decimal = Decimal("0.008")
    """The price of a search in US dollars: a Tavily credit, pay as you go."""
    factoid_schedule: str = "0 * * * *"
    """When the scheduler publishes a factoid: cron syntax, UTC."""

    @property
    def model_prices(self) -> tuple[Decimal, Decimal] | None:
        """US dollars per million tokens of a prompt and of an answer, where the model server does
        not say; None for OpenRouter, which does.
        """
        if not self.models_price_usd:
            return None
        prompt, _, answer = self.models_price_usd.replace("free", "0/0").partition("/")
        return Decimal(prompt), Decimal(answer)

    @property
    def model_patterns(self) -> list[str]:
        """Shell patterns of the model ids that may be used; all of a server of our own."""
        usual = "*" if self.models_price_usd else OPENROUTER_MODELS
        return (self.models_allowed or usual).split(",")

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def server_secrets(self) -> tuple[str, ...]:
        """The current secret, then the previous one, if any."""
        return tuple(filter(None, (self.secret_key, self.secret_key_previous)))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that a webhook may be signed with."""
        return tuple(filter(None, map(str.strip, self.stripe_webhook_secrets.split(","))))

    @property
    def web_search(self) -> bool:
        """Whether the chat agent can search the web."""
        return self.tavily_api_key is not None

    @property
    def https_only(self) -> bool:
        """Whether the site is reached over TLS only."""
        return self.site_url.startswith("https://")

    @property
    def site_url(self) -> str:
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"


def load(environ: Mapping[str, str]) -> Settings:
    """Parse and check the variables; an empty one counts as absent.

    Raises:
        WrongSetting: A variable cannot be used; says which and why.
    """
    if traced := sorted(name for name in TRACING if environ.get(name)):
        raise WrongSetting(
            f"{traced[0]}: must not be set; it would send what visitors say to another company."
        )
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}
    given = {name: value for name, value in environ.items() if name in known and value != ""}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`") or "Environment"
        raise WrongSetting(f"{name}: {humanize(reason)}") from None
    check(settings)
    if settings.production:
        check_production(settings, given)
    return settings
