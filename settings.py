"""Every environment variable, typed; read once, when a process starts.

A value that cannot be used stops the start with one sentence naming the variable.
"""

import ipaddress
import os
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from croniter import croniter
from dotenv import load_dotenv
from msgspec import Meta

DEVELOPMENT_SECRET = "development-only-secret"


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
    """Signs visitor cookies and cursors. At least 32 characters in production."""
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
    generate_limits: Annotated[
        str, Meta(pattern=r"^[1-9]\d{0,6}/[1-9]\d{0,6}(,[1-9]\d{0,6}/[1-9]\d{0,6})*$")
    ] = "1/60,3/3600,20/86400"
    """Free generations per seconds, for each visitor and each network: count/window,…"""

    # worker and cron
    openrouter_api_key: str | None = None
    openrouter_base_url: str = "https://openrouter.ai/api/v1"
    standin_model: bool = False
    """Set by `make run` when the stand-in answers instead of OpenRouter."""
    models_allowed: str = "openai/*,anthropic/*,google/*,mistralai/*,meta-llama/*,qwen/*,deepseek/*"
    """Shell patterns of model ids that may be used at all."""
    model_price_ceiling_usd: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] = "5"
    """The dearest completion price allowed, in US dollars per million tokens."""
    factoid_schedule: str = "0 * * * *"
    """When a factoid is published by itself: cron syntax, UTC."""

    @property
    def production(self) -> bool:
        return self.environment == "production"

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
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}
    given = {name: value for name, value in os.environ.items() if name in known and value != ""}
    try:
        settings = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        raise WrongSetting(f"{path.rstrip('`') or 'Environment'}: {reason}.") from None
    _check(settings)
    if settings.production:
        _check_production(settings, given)
    return settings


def _check(settings: Settings) -> None:
    _address("DATABASE_URL", settings.database_url, {"postgresql", "postgres"})
    _address("REDIS_URL", settings.redis_url, {"redis", "rediss", "unix"})
    _address("OPENROUTER_BASE_URL", settings.openrouter_base_url, {"http", "https"})
    if settings.public_url:
        _address("PUBLIC_URL", settings.public_url, {"http", "https"})
    if settings.api_url:
        _address("API_URL", settings.api_url, {"http", "https"})
    if settings.reflex_redis_url:
        _address("REFLEX_REDIS_URL", settings.reflex_redis_url, {"redis", "rediss", "unix"})
    if not croniter.is_valid(settings.factoid_schedule):
        raise WrongSetting('FACTOID_SCHEDULE: must be a cron line such as "0 * * * *".')


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
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name not in given:
            raise WrongSetting(f"{name}: must be set in production.")
    if settings.standin_model:
        raise WrongSetting("STANDIN_MODEL: the stand-in may not answer in production.")
    if _is_here(settings.openrouter_base_url):
        raise WrongSetting("OPENROUTER_BASE_URL: points at this machine, which is a stand-in.")
    if not settings.openrouter_base_url.startswith("https://"):
        raise WrongSetting("OPENROUTER_BASE_URL: must be an https:// address in production.")
    if not settings.public_url.startswith("https://") or _is_here(settings.public_url):
        raise WrongSetting("PUBLIC_URL: must be the site's https:// address in production.")


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
