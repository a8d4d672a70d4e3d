"""A chat that somebody has shared, for whoever has the link."""

from datetime import UTC

import reflex as rx

from web.chat.message import answer, own_message
from web.chat.words import Said, to_shared
from web.client.api import ApiProblem
from web.client.chats import chats_for
from web.factoid.card import exact
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import link, notice, skeletons, value_of


class Shared(rx.State):
    """The shared chat of this address."""

    ready: bool = False
    missing: bool = False
    problem: str = ""
    title: str = ""
    page_title: str = NAME
    at: str = ""
    about_href: str = ""
    said: list[Said] = []

    @rx.event
    async def open(self):
        """Show what the address names."""
        token = self.router.url.path.removeprefix("/shared/").strip("/")
        self.missing, self.problem, self.said = False, "", []
        try:
            if not token.replace("-", "").replace("_", "").isalnum():
                self.missing = True
            else:
                chat = await chats_for(self).shared_chat(token)
                self.title, self.page_title = chat.title, f"{chat.title} | {NAME}"
                self.at = exact(chat.shared_at.astimezone(UTC))
                self.about_href = f"/f/{chat.factoid_id}" if chat.factoid_id else ""
                self.said = [to_shared(one, number) for number, one in enumerate(chat.messages)]
        except ApiProblem as refusal:
            self.missing = refusal.problem.status == 404
            self.problem = "" if self.missing else refusal.problem.detail
        self.ready = True


@rx.memo
def shared_item(said: rx.Var[Said]) -> rx.Component:
    """A message, only to be read."""
    one = value_of(said)
    return rx.el.li(
        rx.cond(one.mine, own_message(one, None, None, who="They"), answer(one, None, None, None))
    )


def _chat() -> rx.Component:
    return rx.fragment(
        rx.el.h1(Shared.title, class_name=design.H1),
        rx.el.p(
            "A talk with our AI overlords, shared as it was on ",
            Shared.at,
            ". They are sometimes wrong: check before you bet on it.",
            class_name="mt-2 text-sm text-soft",
        ),
        rx.el.ol(
            rx.foreach(Shared.said, lambda one: shared_item(said=one, key=one.id)),
            id="talk",
            aria_label="What was said",
            class_name="grid grid-cols-1 gap-7 py-8",
        ),
        rx.el.div(
            link("Ask something yourself", to="/chat", class_name=design.PRIMARY),
            rx.cond(
                Shared.about_href != "",
                link("The factoid it is about", to=Shared.about_href, class_name=design.SECONDARY),
            ),
            class_name="flex flex-wrap gap-2",
        ),
    )


def _away() -> rx.Component:
    return rx.el.div(
        rx.el.h1("No chat to be shown", class_name="sr-only"),
        rx.cond(
            Shared.missing,
            notice(
                "🕳️",
                "This link leads nowhere",
                "Whoever shared it has taken it back, or it was cut short.",
                link("See the newest facts", to="/", class_name=design.PRIMARY),
                id="missing",
            ),
            notice(
                "🛸",
                "The chat did not arrive",
                Shared.problem,
                rx.el.button(
                    "Try again", type="button", on_click=Shared.open, class_name=design.PRIMARY
                ),
                role="alert",
            ),
        ),
    )


@rx.page(
    route="/shared/[token]",
    title=Shared.page_title,
    description="A talk with our AI overlords.",
    on_load=Shared.open,
)
def shared() -> rx.Component:
    return page(
        rx.cond(
            Shared.ready,
            rx.cond(Shared.missing | (Shared.problem != ""), _away(), _chat()),  # pyright: ignore
            rx.fragment(rx.el.h1("A shared chat", class_name="sr-only"), skeletons(2)),
        ),
        class_name="!max-w-3xl pt-8",
    )
