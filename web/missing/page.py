"""The page of unknown addresses."""

import reflex as rx

from web.server.page import Page
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


PAGE = Page(route="404", component=missing, title=f"No such page | {NAME}")
