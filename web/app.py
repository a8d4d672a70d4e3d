"""The pages as one Reflex app; `serve.py` puts them beside the API."""

import reflex as rx

from web.account import page as account
from web.chat import page as chat
from web.chats import page as chats
from web.checkout import page as checkout
from web.factoid_page import page as factoid
from web.feed import page as feed
from web.keys import page as keys
from web.pricing import page as pricing
from web.recover import page as recover
from web.shared_chat import page as shared
from web.ui import client_store as live
from web.ui import missing
from web.ui.design import DARK, LIGHT, TOAST, Fonts
from web.ui.layout import offline

app = rx.App(
    html_lang="en",
    extra_app_wraps={(1, "Fonts"): lambda _: Fonts.create()},
    toaster=rx.toast.provider(
        position="bottom-center",
        rich_colors=False,
        close_button=False,
        toast_options=rx.toast.options(  # pyright: ignore[reportCallIssue]
            unstyled=True, duration=5000, style=TOAST
        ),
    ),
    head_components=[
        rx.el.script(live.SCRIPT),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.meta(
            name="theme-color",
            content=LIGHT["paper"],
            custom_attrs={"media": "(prefers-color-scheme: light)"},
        ),
        rx.el.meta(
            name="theme-color",
            content=DARK["paper"],
            custom_attrs={"media": "(prefers-color-scheme: dark)"},
        ),
    ],
)
app.app_wraps[5, "Overlay"] = lambda stateful: offline() if stateful else None
app.add_page(missing.missing, route="404", title=missing.TITLE)

PAGES = (
    feed.feed,
    factoid.factoid,
    keys.keys,
    account.account,
    recover.recover,
    pricing.pricing,
    checkout.checkout,
    checkout.cancelled,
    chats.chats,
    chat.chat,
    shared.shared,
    missing.missing,
)
"""Importing a page's module adds it."""


async def follow_live_changes() -> None:
    """Bring every open page what changes for everybody; runs beside the pages for good."""
    await live.pump(app)
