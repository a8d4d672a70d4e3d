"""Which layer each type of connection passes through, and in which order."""

from typing import Any

import pytest

from api.middleware.stack import CONNECTION_TYPES, WEBHOOK, api_layers, chain_of, page_layers, wrap
from domain.accounts.credential_cache import CredentialCache
from settings.process import load_process

API = """
                               http  webhook  websocket  lifespan
RequestLogMiddleware           yes   yes      -          -
HeadMiddleware                 yes   yes      -          -
RequestNormalizer              yes   -        -          -
CrossSiteMiddleware            yes   -        yes        -
AuthenticationMiddleware       yes   -        yes        -
VisitorCookieMiddleware        yes   -        -          -
RevocableConnectionMiddleware  yes   -        yes        -
RateLimitMiddleware            yes   -        -          -
ConditionalRequestMiddleware   yes   -        -          -
OptionsMiddleware              yes   yes      -          -
"""
PAGES = """
                               http  webhook  websocket  lifespan
AuthenticationMiddleware       yes   -        yes        -
VisitorCookieMiddleware        yes   -        -          -
RevocableConnectionMiddleware  yes   -        yes        -
"""


def chains_in(table: str) -> dict[str, list[str]]:
    head, *rows = [line.split() for line in table.strip().splitlines()]
    return {
        type: [row[0] for row in rows if row[column] == "yes"]
        for column, type in enumerate(head, start=1)
    }


def names_in(chain: Any) -> list[str]:
    """The classes of a chain's layers, outermost first."""
    names: list[str] = []
    while hasattr(chain, "_app"):
        names.append(type(chain).__name__)
        chain = chain._app
    return names


async def app(scope: Any, receive: Any, send: Any) -> None:
    scope["answered"] = True


@pytest.mark.parametrize(("layers", "table"), [(api_layers, API), (page_layers, PAGES)])
def test_each_type_of_connection_has_its_layers(layers: Any, table: str):
    settings = load_process()
    around = layers(settings, CredentialCache(*settings.server_secrets))

    made = {type: names_in(chain_of(app, around, type)) for type in CONNECTION_TYPES}

    assert made == chains_in(table)


async def test_the_webhook_alone_bypasses_what_is_made_for_visitors_and_keys():
    settings = load_process()
    wrapped: Any = wrap(app, page_layers(settings, CredentialCache(*settings.server_secrets)))
    http = {"type": "http", "method": "POST", "scheme": "http", "headers": [], "client": None}
    webhook, other, lifespan = (
        {**http, "path": WEBHOOK},
        {**http, "path": f"{WEBHOOK}/x"},
        {"type": "lifespan"},
    )

    for scope in (webhook, other, lifespan):
        await wrapped(scope, None, None)
        assert scope.pop("answered")

    assert "identity" in other
    assert "identity" not in webhook | lifespan
