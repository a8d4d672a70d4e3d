"""The environment of every test: what the product's settings are read from.

`tests/conftest.py` applies it before any module of ours is imported.
"""

import os
from urllib.parse import urlsplit, urlunsplit

SERVER = os.environ.get("TEST_DATABASE_URL", "postgresql://root@127.0.0.1:5432/postgres")
DATABASE = f"factoids_test_{os.getpid()}"
"""Each pytest process has a database of its own."""

VALUES = {
    "ENVIRONMENT": "test",
    "DATABASE_URL": urlunsplit(urlsplit(SERVER)._replace(path=f"/{DATABASE}")),
    "REDIS_URL": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "OPENROUTER_API_KEY": "test-key",
    "OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1",
    "PUBLIC_URL": "http://factoids.test",
    "GENERATE_LIMITS": "1000/60",
    "VOTE_LIMITS": "100000/60",
    "NETWORK_VOTE_LIMITS": "100000/60",
    "READ_LIMITS": "100000/60",
    "BUDGET_USD": "5000",
    "BUDGET_VISITORS_USD": "2000",
    "BUDGET_KEYS_USD": "1000",
    "BUDGET_SCHEDULED_USD": "1000",
    "BUDGET_PAID_USD": "1000",
    "BUDGET_VISITOR_USD": "1000",
    "BUDGET_KEY_USD": "1000",
    "BUDGET_BUYER_USD": "1000",
    "FACTOID_SCHEDULE": "0 0 1 1 *",
    "LOG_LEVEL": "WARNING",
    # asyncpg leaves an exception behind when it is cancelled while it negotiates TLS.
    "PGSSLMODE": "disable",
    # Several processes share a server that has a hundred connections.
    "READ_POOL_SIZE": "4",
}
UNSET = [
    *("API_URL", "REFLEX_REDIS_URL", "STANDIN_MODEL", "DEBUG", "PORT"),
    *("SECRET_KEY", "SECRET_KEY_PREVIOUS"),
    *("SMTP_URL", "SLACK_WEBHOOK_URL", "POSTHOG_API_KEY"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_URL"),
]


def apply() -> None:
    """Replace a developer's own values by those of the tests."""
    os.environ.update(VALUES)
    for name in UNSET:
        os.environ.pop(name, None)
