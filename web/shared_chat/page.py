"""The page of a shared chat, for anyone with the link."""

import reflex as rx

from web.chat.message import answer, own_message
from web.chat.words import MessageView
from web.server.html import noscript_notice
from web.server.page import Page, shell_html
from web.shared_chat.state import SharedChatState
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import link, load_problem, notice, skeletons, value_of


@rx.memo
def shared_message(message: rx.Var[MessageView]) -> rx.Component:
    """A read-only message."""
    view = value_of(message)
    return rx.el.li(rx.cond(view.mine, own_message(view, None, None, who="They"), answer(view)))


def _chat() -> rx.Component:
    return rx.fragment(
        rx.el.h1(SharedChatState.title, class_name=design.H1),
        rx.el.p(
            "A talk with our AI overlords, shared as it was on ",
            SharedChatState.at,
            ". They are sometimes wrong: check before you bet on it.",
            class_name="mt-2 text-sm text-soft",
        ),
        rx.el.ol(
            rx.foreach(
                SharedChatState.messages,
                lambda message: shared_message(message=message, key=message.id),
            ),
            id="talk",
            aria_label="What was said",
            class_name="grid grid-cols-1 gap-7 py-8",
        ),
        rx.el.div(
            link("Ask something yourself", to="/chat", class_name=design.PRIMARY),
            rx.cond(
                SharedChatState.about_href != "",
                link(
                    "The factoid it is about",
                    to=SharedChatState.about_href,
                    class_name=design.SECONDARY,
                ),
            ),
            class_name="flex flex-wrap gap-2",
        ),
    )


def _unavailable() -> rx.Component:
    return rx.el.div(
        rx.el.h1("No chat to be shown", class_name="sr-only"),
        rx.cond(
            SharedChatState.missing,
            notice(
                "🕳️",
                "This link leads nowhere",
                "Whoever shared it has taken it back, or it was cut short.",
                link("See the newest facts", to="/", class_name=design.PRIMARY),
                id="missing",
            ),
            load_problem(
                "The chat did not arrive",
                SharedChatState.problem,
                SharedChatState.load_shared_chat,
            ),
        ),
    )


def shared() -> rx.Component:
    return page(
        rx.cond(
            SharedChatState.ready,
            rx.cond(
                SharedChatState.missing | (SharedChatState.problem != ""), _unavailable(), _chat()
            ),  # pyright: ignore
            rx.fragment(rx.el.h1("A shared chat", class_name="sr-only"), skeletons(2)),
        ),
        class_name="!max-w-3xl pt-8",
    )


PAGE = Page(
    route="/shared/[token]",
    component=shared,
    title=SharedChatState.page_title,
    description="A talk with our AI overlords.",
    on_load=SharedChatState.load_shared_chat,
    prerender=shell_html(
        f"Chat | {NAME}", noscript_notice("A chat", "What was said is shown with JavaScript.")
    ),
)
