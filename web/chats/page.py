"""The visitor's chats, and the box in which a new one begins."""

import reflex as rx

from web.chat.box import chat_box
from web.chat.view import prospects, refused, suggestions
from web.chats.state import ChatList, ChatRow
from web.generate.vault import Vault
from web.keys.key_item import since
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, link, notice, skeletons


def _about() -> rx.Component:
    return rx.cond(
        ChatList.about != "",
        rx.el.div(
            rx.el.p("About this factoid", class_name="text-sm text-faint"),
            rx.el.p(ChatList.about, id="about", class_name="serif mt-1 text-lg"),
            link(
                "About all of them instead",
                to="/chat",
                class_name="-mb-2 inline-flex min-h-11 items-center text-sm underline",
            ),
            class_name="mt-5 rounded-2xl border border-line bg-card px-5 py-4",
        ),
    )


def _model() -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            "Change AI model", icon("chevron-down", 16), class_name=design.QUIET + "-ml-4"
        ),
        rx.el.label("Model", html_for="model", class_name="sr-only"),
        rx.el.div(
            rx.el.select(
                rx.el.option("Automatic selection (recommended)", value=""),
                rx.foreach(ChatList.models, lambda model: rx.el.option(model[1], value=model[0])),
                id="model",
                name="model",
                on_change=ChatList.choose,
                class_name=design.FIELD + "cursor-pointer truncate pl-4 pr-10",
            ),
            icon(
                "chevrons-up-down",
                16,
                class_name="pointer-events-none absolute right-4 top-4 text-faint",
            ),
            class_name="relative",
        ),
        class_name="mb-2 max-w-md",
    )


def _row(row: ChatRow) -> rx.Component:
    return rx.el.li(
        link(
            icon("message-circle", 18, class_name="shrink-0 text-faint"),
            rx.el.span(
                rx.el.span(row.title, class_name="block truncate font-medium"),
                rx.el.span(
                    since(at=row.at, words=row.at_words),
                    rx.cond(row.about_one, " · about one factoid", ""),
                    " · ",
                    row.cost,
                    class_name="block truncate text-sm text-faint tabular-nums",
                ),
                class_name="min-w-0 flex-1",
            ),
            rx.cond(
                row.answering,
                rx.el.span("answering…", class_name="shrink-0 text-sm font-medium text-good"),
            ),
            to=row.href,
            class_name="flex min-h-14 items-center gap-3 px-4 py-2.5 hover:bg-tint",
        ),
        key=row.href,
        class_name="border-b border-line last:border-0",
    )


def _rows() -> rx.Component:
    return rx.cond(
        ChatList.rows.length() > 0,  # pyright: ignore[reportAttributeAccessIssue]
        rx.fragment(
            rx.el.ul(
                rx.foreach(ChatList.rows, _row),
                id="chats",
                class_name=design.CARD + "overflow-hidden",
            ),
            rx.cond(
                ChatList.cursor != "",
                rx.el.button(
                    "Show older chats",
                    type="button",
                    on_click=ChatList.more,
                    class_name=design.SECONDARY + "mt-4",
                ),
            ),
        ),
        rx.el.div(
            emoji("💬", "text-3xl"),
            rx.el.p(
                "No chats yet. What you ask is kept here, and yours alone.",
                id="no-chats",
                class_name="mt-3 text-soft",
            ),
            class_name="rounded-2xl border border-dashed border-line px-6 py-10 text-center",
        ),
    )


@rx.page(
    route="/chat",
    title=f"Ask our overlords | {NAME}",
    description="Talk with our AI overlords about any factoid, with sources.",
    on_load=[ChatList.open, Vault.put_away],
)
def chats() -> rx.Component:
    return page(
        rx.el.h1("Ask our AI overlords", class_name=design.H1),
        rx.el.p(
            "They know every factoid here, look things up, and say where it is from.",
            class_name="mt-2 text-soft",
        ),
        _about(),
        rx.el.div(suggestions(ChatList.suggestions), class_name="mb-3 mt-6"),
        chat_box(
            _model(),
            busy=ChatList.busy,
            on_submit=ChatList.begin,
            on_stop=ChatList.dismiss,
            below=prospects(ChatList.prospect),
        ),
        rx.el.button(type="button", id="talk-again", hidden=True, on_click=ChatList.look),
        refused(ChatList.trouble, ChatList.pack, ChatList.buy_href, ChatList.dismiss),
        rx.el.section(
            rx.el.h2("Your chats", class_name=design.H2 + "mb-4 mt-12"),
            rx.cond(
                ChatList.ready,
                rx.cond(
                    ChatList.problem != "",
                    notice("🛸", "Your chats did not arrive", ChatList.problem),
                    _rows(),
                ),
                skeletons(1),
            ),
            id="your-chats",
            aria_busy=rx.cond(ChatList.ready, "false", "true"),
        ),
        class_name="!max-w-3xl pt-8",
    )
