"""The Reflex app with all pages; `serve.py` serves it next to the API."""

from pathlib import Path

import reflex as rx

from web.client.session import use_pages
from web.pages import PAGES
from web.server.live_updates import broadcast_live_updates
from web.ui.design import DARK, LIGHT, TOAST, Fonts
from web.ui.layout import offline

SCRIPTS = (
    "ui/storage.js",
    "ui/foreign_changes.js",
    "ui/client_store.js",
    "ui/idempotency.js",
    "factoid/votes.js",
    "feed/reading_place.js",
    "generate/generate.js",
    "chat/chat.js",
    "keys/new_key.js",
    "account/identity.js",
)
"""The hand-written JavaScript, in the order in which it runs; see ADR 14."""
SCRIPT = "".join((Path(__file__).parent / name).read_text() for name in SCRIPTS)

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
        rx.el.script(SCRIPT),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(rel="apple-touch-icon", href="/apple-touch-icon.png"),
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
use_pages(app)
for page in PAGES:
    page.add_to(app)


async def follow_live_changes() -> None:
    """Broadcast live updates to all open pages; runs as long as the process."""
    await broadcast_live_updates(app)
