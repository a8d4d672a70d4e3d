"""The page of a chat."""

import reflex as rx

from web.chat.menu import ChatMenuState
from web.chat.state import ChatState
from web.chat.view import chat_refusal, composer, is_empty_chat, messages
from web.generate.vault import VaultState
from web.server.html import noscript_notice
from web.server.page import Page, shell_html
from web.ui import design
from web.ui.confirm import confirmed_button
from web.ui.layout import NAME, page
from web.ui.parts import bar, icon, link, load_problem, notice, plain_link
from web.ui.secret import copy_button
from web.ui.sharing import SharingState

MENU_ITEM = (
    "flex min-h-11 w-full cursor-pointer items-center gap-3 rounded-xl px-3 text-sm hover:bg-tint"
)


def _menu() -> rx.Component:
    return rx.fragment(
        rx.el.button(
            icon("ellipsis", 20),
            rx.el.span("What to do with this chat", class_name="sr-only"),
            type="button",
            id="chat-menu",
            custom_attrs={"popoverTarget": "chat-acts"},
            class_name=design.QUIET + "w-11 shrink-0 !px-0",
        ),
        rx.el.div(
            rx.el.form(
                rx.el.label("Name of this chat", html_for="title", class_name="sr-only"),
                rx.el.input(
                    id="title",
                    name="title",
                    key=ChatState.title,
                    default_value=ChatState.title,
                    max_length=120,
                    class_name=design.FIELD + "!min-h-11 px-3",
                ),
                rx.el.button("Rename", type="submit", class_name=design.SECONDARY),
                # Hiding the popover returns the focus to the button that opened it.
                on_submit=[
                    rx.call_script("document.getElementById('chat-acts').hidePopover()"),
                    ChatMenuState.rename,
                ],
                reset_on_submit=False,
                class_name="flex gap-2 pb-2",
            ),
            rx.cond(
                ChatState.share_url != "",
                rx.el.div(
                    rx.el.p(
                        ChatState.share_url,
                        id="share-url",
                        class_name="rounded-xl bg-tint px-3 py-2 text-sm [overflow-wrap:anywhere]",
                    ),
                    rx.el.div(
                        copy_button("Copy link", ChatState.share_url, SharingState.report_outcome),
                        rx.el.button(
                            "Stop sharing",
                            type="button",
                            on_click=ChatMenuState.unshare,
                            class_name=design.QUIET,
                        ),
                        class_name="mt-2 flex flex-wrap gap-2",
                    ),
                    class_name="pb-2",
                ),
                rx.el.button(
                    icon("share-2"),
                    "Share as it is now",
                    type="button",
                    id="share-chat",
                    on_click=ChatMenuState.share,
                    class_name=MENU_ITEM,
                ),
            ),
            *[
                plain_link(
                    icon("download"),
                    f"Download as {name}",
                    href="/api/chats/" + ChatState.id.to(str) + f"/export?format={form}",  # pyright: ignore[reportAttributeAccessIssue]
                    download=True,
                    class_name=MENU_ITEM,
                )
                for form, name in (("md", "Markdown"), ("json", "JSON"))
            ],
            confirmed_button(
                "delete-chat",
                "Delete this chat",
                "Delete this chat?",
                "All that was said in it goes, for good. A shared link leads nowhere then.",
                "Delete it",
                ChatMenuState.delete,
            ),
            id="chat-acts",
            role="group",
            aria_label="This chat",
            custom_attrs={"popover": "auto"},
            class_name=design.CARD + "menu w-[min(22rem,calc(100vw-1.5rem))] p-2 text-ink",
        ),
    )


def _head() -> rx.Component:
    return rx.el.div(
        link(
            icon("arrow-left", 20),
            rx.el.span("All chats", class_name="sr-only"),
            to="/chat",
            class_name=design.QUIET + "-ml-3 w-11 shrink-0 !px-0",
        ),
        rx.el.div(
            rx.el.h1(
                ChatState.title,
                id="chat-title",
                class_name="serif truncate !whitespace-nowrap text-xl font-semibold",
            ),
            rx.el.p(
                rx.cond(
                    ChatState.about_href != "",
                    rx.fragment(
                        link("About a factoid", to=ChatState.about_href, class_name="underline"),
                        " · ",
                    ),
                ),
                ChatState.model,
                class_name="truncate text-sm text-faint",
            ),
            class_name="min-w-0 flex-1",
        ),
        _menu(),
        class_name="flex items-center gap-2 border-b border-line pb-3",
    )


def _loading() -> rx.Component:
    return rx.el.div(
        rx.el.h1("A chat", class_name="sr-only"),
        bar("h-7 w-2/3"),
        bar("ml-auto h-11 w-1/2 !rounded-2xl"),
        rx.el.div(bar("h-5 w-full"), bar("h-5 w-11/12"), bar("h-5 w-3/5"), class_name="grid gap-3"),
        class_name="grid gap-8",
    )


def _unavailable() -> rx.Component:
    return rx.el.div(
        rx.el.h1("No chat to be shown", class_name="sr-only"),
        rx.cond(
            ChatState.missing,
            notice(
                "🕳️",
                "No such chat",
                "It was deleted, or it is somebody else's.",
                link("Your chats", to="/chat", class_name=design.PRIMARY),
                id="missing",
            ),
            load_problem("The chat did not arrive", ChatState.problem, ChatState.load_chat),
        ),
    )


def _chat() -> rx.Component:
    return rx.fragment(
        _head(),
        messages(),
        rx.cond(
            is_empty_chat(),
            rx.el.p("Ask anything to get started.", class_name="text-center text-soft"),
        ),
        chat_refusal(),
        composer(
            ChatState.send, ChatState.refresh, "sticky bottom-0 z-10 mt-auto bg-paper pb-3 pt-2"
        ),
    )


def chat() -> rx.Component:
    return page(
        rx.cond(
            ChatState.ready,
            rx.cond(ChatState.missing | (ChatState.problem != ""), _unavailable(), _chat()),  # pyright: ignore
            _loading(),
        ),
        class_name="!max-w-3xl flex flex-col pt-4",
        footer=False,
    )


PAGE = Page(
    route="/chat/[chat_id]",
    component=chat,
    title=ChatState.page_title,
    description="A talk with our AI overlords.",
    on_load=[ChatState.load_chat, VaultState.dismiss],
    prerender=shell_html(
        f"Chat | {NAME}", noscript_notice("A chat", "What was said is shown with JavaScript.")
    ),
)
