"""The visitor and the browser tab behind a state."""

import reflex as rx

_pages: list[rx.App] = []


def use_pages(app: rx.App) -> None:
    """Set the app that knows which tabs are open."""
    _pages[:] = [app]


async def page_is_open(state: rx.State) -> bool:
    """Whether the tab behind this state is connected; work for a closed one should stop.

    A background event is not cancelled when its tab closes.
    """
    for app in _pages:
        if app.event_namespace:
            # Reflex has no public API for this; checked with reflex 0.10.1.
            tabs = app.event_namespace._token_manager
            return await tabs.is_token_connected(state.router.session.client_token)
    return False
