"""One factoid at an address of its own, and a few more below it."""

import reflex as rx

from api.schemas.problem import Problem
from web.client.api import ApiProblem
from web.client.session import api_for
from web.factoid.card import Card, all_categories, to_card
from web.factoid.votes import as_uuid, card_item, page_card
from web.factoid_page.panel import ask_panel
from web.factoid_page.panel_state import Aside
from web.generate.vault import Vault
from web.ui import design
from web.ui.client_store import tell
from web.ui.layout import NAME, new_facts, page
from web.ui.parts import icon, link, notice, skeleton, skeletons

MORE = 6
"""Enough to go on reading, few enough to stay a page about one fact."""


class Shown(rx.State):
    """The factoid of this address."""

    cards: list[Card] = []
    others: list[Card] = []
    ready: bool = False
    missing: bool = False
    problem: str = ""
    title: str = NAME

    @rx.event
    async def open(self):
        """Load what the address names."""
        api = api_for(self)
        id_ = as_uuid(self.router.url.path.removeprefix("/f/").strip("/"))
        self.missing, self.problem = id_ is None, ""
        try:
            await all_categories(api)
            if id_:
                factoid = await api.factoid(id_)
                self.cards, self.title = [to_card(factoid)], f"{factoid.subject} | {NAME}"
        except ApiProblem as refusal:
            self._refused(refusal.problem)
        if self.missing or self.problem:
            self.cards, self.title = [], f"Not found | {NAME}" if self.missing else NAME
        try:
            newest = await api.factoids(limit=MORE + 1)
            here = {card.id for card in self.cards}
            others = [to_card(factoid) for factoid in newest.items]
            self.others = [card for card in others if card.id not in here][:MORE]
        except ApiProblem:
            self.others = []
        self.ready = True
        return tell("settle")

    def _refused(self, problem: Problem) -> None:
        self.missing = problem.status == 404
        self.problem = "" if self.missing else problem.detail


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


def _trouble() -> rx.Component:
    return rx.el.div(
        rx.el.h1("The factoid did not arrive", class_name="sr-only"),
        notice(
            "🛸",
            "The fact did not arrive",
            Shown.problem,
            rx.el.button(
                "Try again",
                type="button",
                id="retry",
                on_click=Shown.open,
                class_name=design.PRIMARY,
            ),
            id="trouble",
            role="alert",
        ),
    )


def _shown() -> rx.Component:
    return rx.cond(
        Shown.missing,
        _missing(),
        rx.cond(
            Shown.problem != "",
            _trouble(),
            rx.fragment(
                rx.foreach(Shown.cards, lambda card: rx.el.div(page_card(card=card), key=card.id)),
                ask_panel(),
            ),
        ),
    )


def _loading() -> rx.Component:
    return rx.fragment(rx.el.h1("A factoid", class_name="sr-only"), skeleton())


@rx.page(
    route="/f/[factoid_id]",
    title=Shown.title,
    description="One mind blowing, sometimes 'meh' factoid.",
    image="/card.png",
    on_load=[Aside.find, Shown.open, Vault.put_away],
)
def factoid() -> rx.Component:
    return page(
        new_facts(category="", on_feed=False),
        link(icon("arrow-left", 16), "All facts", to="/", class_name=design.QUIET + "-ml-4 mb-3"),
        rx.cond(Shown.ready, _shown(), _loading()),
        rx.el.section(
            rx.el.h2(
                "Keep exploring factoids", class_name="serif mb-4 mt-12 text-2xl font-semibold"
            ),
            rx.cond(
                Shown.ready,
                rx.el.ul(rx.foreach(Shown.others, card_item), class_name="grid grid-cols-1 gap-4"),
                skeletons(2),
            ),
            id="facts",
            aria_busy=rx.cond(Shown.ready, "false", "true"),
        ),
        class_name="!max-w-3xl pt-6",
    )
