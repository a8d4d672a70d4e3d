"""What an address without a page shows."""

import reflex as rx

from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import link, notice


def missing() -> rx.Component:
    return page(
        rx.el.h1("There is no such page", class_name="sr-only"),
        notice(
            "🧭",
            "Nothing lives at this address",
            "Not even our overlords know what should be here. The facts are this way.",
            link("See the newest facts", to="/", class_name=design.PRIMARY),
            id="missing",
        ),
        class_name="!max-w-3xl pt-12",
    )


TITLE = f"No such page | {NAME}"
