"""One chat: what was said, the answer as it is written, and the box to say more."""

import reflex as rx

from web.chat.menu import ChatMenu
from web.chat.state import Talk
from web.chat.view import composer, messages, nothing_said, talk_refused
from web.generate.vault import Vault
from web.keys.key_item import asked_twice
from web.ui import design
from web.ui.layout import page
from web.ui.parts import bar, icon, leaving, link, notice
from web.ui.secret import copy_button

MENU = (
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
                    key=Talk.title,
                    default_value=Talk.title,
                    max_length=120,
                    class_name=design.FIELD + "!min-h-11 px-3",
                ),
                rx.el.button("Rename", type="submit", class_name=design.SECONDARY),
                # Closed by the browser, which gives the focus back to what opened the menu.
                on_submit=[
                    rx.call_script("document.getElementById('chat-acts').hidePopover()"),
                    ChatMenu.rename,
                ],
                reset_on_submit=False,
                class_name="flex gap-2 pb-2",
            ),
            rx.cond(
                Talk.share_url != "",
                rx.el.div(
                    rx.el.p(
                        Talk.share_url,
                        id="share-url",
                        class_name="rounded-xl bg-tint px-3 py-2 text-sm [overflow-wrap:anywhere]",
                    ),
                    rx.el.div(
                        copy_button("Copy link", Talk.share_url),
                        rx.el.button(
                            "Stop sharing",
                            type="button",
                            on_click=ChatMenu.unshare,
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
                    on_click=ChatMenu.share,
                    class_name=MENU,
                ),
            ),
            *[
                leaving(
                    icon("download"),
                    f"Download as {name}",
                    href="/api/chats/" + Talk.id.to(str) + f"/export?format={form}",  # pyright: ignore[reportAttributeAccessIssue]
                    download=True,
                    class_name=MENU,
                )
                for form, name in (("md", "Markdown"), ("json", "JSON"))
            ],
            asked_twice(
                "delete-chat",
                "Delete this chat",
                "Delete this chat?",
                "All that was said in it goes, for good. A shared link leads nowhere then.",
                "Delete it",
                ChatMenu.delete,
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
                Talk.title,
                id="chat-title",
                class_name="serif truncate !whitespace-nowrap text-xl font-semibold",
            ),
            rx.el.p(
                rx.cond(
                    Talk.about_href != "",
                    rx.fragment(
                        link("About a factoid", to=Talk.about_href, class_name="underline"), " · "
                    ),
                ),
                Talk.model,
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


def _away() -> rx.Component:
    return rx.el.div(
        rx.el.h1("No chat to be shown", class_name="sr-only"),
        rx.cond(
            Talk.missing,
            notice(
                "🕳️",
                "No such chat",
                "It was deleted, or it is somebody else's.",
                link("Your chats", to="/chat", class_name=design.PRIMARY),
                id="missing",
            ),
            notice(
                "🛸",
                "The chat did not arrive",
                Talk.problem,
                rx.el.button(
                    "Try again", type="button", on_click=Talk.open, class_name=design.PRIMARY
                ),
                id="trouble",
                role="alert",
            ),
        ),
    )


def _chat() -> rx.Component:
    return rx.fragment(
        _head(),
        messages(),
        rx.cond(
            nothing_said(),
            rx.el.p("Ask anything to get started.", class_name="text-center text-soft"),
        ),
        talk_refused(),
        composer(Talk.ask, Talk.look, "sticky bottom-0 z-10 mt-auto bg-paper pb-3 pt-2"),
    )


@rx.page(
    route="/chat/[chat_id]",
    title=Talk.page_title,
    description="A talk with our AI overlords.",
    on_load=[Talk.open, Vault.put_away],
)
def chat() -> rx.Component:
    return page(
        rx.cond(
            Talk.ready,
            rx.cond(Talk.missing | (Talk.problem != ""), _away(), _chat()),  # pyright: ignore
            _loading(),
        ),
        class_name="!max-w-3xl flex flex-col pt-4",
        footer=False,
    )
