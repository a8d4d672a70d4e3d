"""The list of the visitor's chats, and the form that starts a new one."""

import reflex as rx

from web.chat.box import chat_box
from web.chat.view import next_message_line, refusal_section, suggestions
from web.chats.state import ChatRow, ChatsState
from web.generate.vault import VaultState
from web.server.html import NOSCRIPT_STYLE
from web.server.page import Page, built_html
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, link, notice, skeletons, time_ago

NOSCRIPT = (
    f'<noscript>{NOSCRIPT_STYLE}<div class="plain"><p>Chatting needs JavaScript. '
    '<a href="/">Reading the newest facts</a> does not.</p></div></noscript>'
)


def _about() -> rx.Component:
    return rx.cond(
        ChatsState.about != "",
        rx.el.div(
            rx.el.p("About this factoid", class_name="text-sm text-faint"),
            rx.el.p(ChatsState.about, id="about", class_name="serif mt-1 text-lg"),
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
                rx.foreach(ChatsState.models, lambda model: rx.el.option(model[1], value=model[0])),
                id="model",
                name="model",
                on_change=ChatsState.choose_model,
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
                    time_ago(at=row.at, words=row.at_text),
                    rx.cond(row.is_about_factoid, " · about one factoid", ""),
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
        ChatsState.rows.length() > 0,  # pyright: ignore[reportAttributeAccessIssue]
        rx.fragment(
            rx.el.ul(
                rx.foreach(ChatsState.rows, _row),
                id="chats",
                class_name=design.CARD + "overflow-hidden",
            ),
            rx.cond(
                ChatsState.cursor != "",
                rx.el.button(
                    "Show older chats",
                    type="button",
                    on_click=ChatsState.load_more,
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


def chats() -> rx.Component:
    return page(
        rx.el.h1("Ask our AI overlords", class_name=design.H1),
        rx.el.p(
            "They know every factoid here, look things up, and say where it is from.",
            class_name="mt-2 text-soft",
        ),
        _about(),
        rx.el.div(suggestions(ChatsState.suggestions), class_name="mb-3 mt-6"),
        chat_box(
            _model(),
            busy=ChatsState.busy,
            on_submit=ChatsState.start_chat,
            on_stop=ChatsState.dismiss,
            below=next_message_line(ChatsState.next_message),
        ),
        rx.el.button(type="button", id="refresh-chat", hidden=True, on_click=ChatsState.refresh),
        refusal_section(
            ChatsState.refusal, ChatsState.pack, ChatsState.buy_href, ChatsState.dismiss
        ),
        rx.el.section(
            rx.el.h2("Your chats", class_name=design.H2 + "mb-4 mt-12"),
            rx.cond(
                ChatsState.ready,
                rx.cond(
                    ChatsState.problem != "",
                    notice("🛸", "Your chats did not arrive", ChatsState.problem),
                    _rows(),
                ),
                skeletons(1),
            ),
            id="your-chats",
            aria_busy=rx.cond(ChatsState.ready, "false", "true"),
        ),
        class_name="!max-w-3xl pt-8",
    )


PAGE = Page(
    route="/chat",
    component=chats,
    title=f"Ask our overlords | {NAME}",
    description="Talk with our AI overlords about any factoid, with sources.",
    on_load=[ChatsState.load_chats, VaultState.dismiss],
    prerender=built_html("chat", NOSCRIPT),
)
