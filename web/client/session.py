"""For whom a page acts: the API with the visitor's own cookie and address."""

import reflex as rx

from web.client.api import ApiClient


def api_for(state: rx.State) -> ApiClient:
    """The API as the visitor behind this state."""
    return ApiClient(state.router.headers.cookie, state.router.session.client_ip)


async def page_is_open(state: rx.State) -> bool:
    """Whether the page behind this state still listens; work for a closed one should stop.

    A background event is not cancelled when its tab closes.
    """
    from web.app import app

    if not app.event_namespace:
        return False
    tokens = app.event_namespace._token_manager
    return await tokens.is_token_connected(state.router.session.client_token)
