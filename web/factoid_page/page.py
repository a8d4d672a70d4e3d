"""The page of one factoid, with a few more below it."""

import reflex as rx

from web.factoid.votes import card_item, page_card
from web.factoid_page.panel import ask_panel
from web.factoid_page.panel_state import FactoidChatState
from web.factoid_page.prerender import prerender_factoid
from web.factoid_page.state import FactoidPageState
from web.generate.vault import VaultState
from web.server.page import Page
from web.ui import design
from web.ui.layout import new_facts, page
from web.ui.parts import icon, link, load_problem, notice, skeleton, skeletons


def _missing() -> rx.Component:
    return rx.el.div(
        rx.el.h1("This factoid does not exist", class_name="sr-only"),
        notice(
            "🕳️",
            "No such factoid",
            "Perhaps the link was cut short, or our overlords ate it. There are plenty of others.",
            link("See the newest facts", to="/", class_name=design.PRIMARY),
            link("Shuffle", to="/?sort=random", class_name=design.SECONDARY),
            id="missing",
        ),
    )


def _problem() -> rx.Component:
    return rx.el.div(
        rx.el.h1("The factoid did not arrive", class_name="sr-only"),
        load_problem(
            "The fact did not arrive", FactoidPageState.problem, FactoidPageState.load_factoid
        ),
    )


def _shown() -> rx.Component:
    return rx.cond(
        FactoidPageState.missing,
        _missing(),
        rx.cond(
            FactoidPageState.problem != "",
            _problem(),
            rx.fragment(
                rx.foreach(
                    FactoidPageState.cards,
                    lambda card: rx.el.div(page_card(card=card), key=card.id),
                ),
                ask_panel(),
            ),
        ),
    )


def _loading() -> rx.Component:
    return rx.fragment(rx.el.h1("A factoid", class_name="sr-only"), skeleton())


def factoid() -> rx.Component:
    return page(
        new_facts(category="", on_feed=False),
        link(icon("arrow-left", 16), "All facts", to="/", class_name=design.QUIET + "-ml-4 mb-3"),
        rx.cond(FactoidPageState.ready, _shown(), _loading()),
        rx.el.section(
            rx.el.h2(
                "Keep exploring factoids", class_name="serif mb-4 mt-12 text-2xl font-semibold"
            ),
            rx.cond(
                FactoidPageState.ready,
                rx.el.ul(
                    rx.foreach(FactoidPageState.others, card_item),
                    class_name="grid grid-cols-1 gap-4",
                ),
                skeletons(2),
            ),
            id="facts",
            aria_busy=rx.cond(FactoidPageState.ready, "false", "true"),
        ),
        class_name="!max-w-3xl pt-6",
    )


PAGE = Page(
    route="/f/[factoid_id]",
    component=factoid,
    title=FactoidPageState.title,
    description="One mind blowing, sometimes 'meh' factoid.",
    image="/card.png",
    on_load=[FactoidChatState.load_panel, FactoidPageState.load_factoid, VaultState.dismiss],
    prerender=prerender_factoid,
)
