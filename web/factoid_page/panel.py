"""The chat panel on a factoid's page."""

import reflex as rx

from web.chat.view import chat_refusal, composer, is_empty_chat, messages, suggestions
from web.chat.words import FACTOID_SUGGESTIONS
from web.factoid_page.panel_state import FactoidChatState
from web.ui import design
from web.ui.parts import emoji, icon, link


def ask_panel() -> rx.Component:
    """The panel. Its messages scroll within it, so that the message box stays in place."""
    return rx.el.section(
        rx.el.div(
            emoji("🤖", "mt-1 text-xl"),
            rx.el.div(
                rx.el.h2("Ask about this", class_name="serif text-xl font-semibold"),
                rx.el.p(
                    "Ask follow-up questions or request supporting sources.",
                    class_name="text-sm text-soft",
                ),
                class_name="min-w-0 flex-1",
            ),
            link(
                icon("maximize-2", 18),
                rx.el.span("Open as a page", class_name="max-sm:sr-only"),
                to=FactoidChatState.chat_href,
                id="open-chat",
                title="Open as a page",
                class_name=design.QUIET + "-mr-2 -mt-1 shrink-0 max-sm:w-11 max-sm:!px-0",
            ),
            class_name="flex items-start gap-3",
        ),
        rx.el.div(
            messages(),
            id="talk-pane",
            tab_index=0,
            role="region",
            aria_label="The talk",
            class_name=rx.cond(
                is_empty_chat(),
                "hidden",
                "mt-3 max-h-[min(70dvh,40rem)] overflow-y-auto border-y border-line px-1",
            ),
        ),
        rx.cond(
            is_empty_chat(),
            rx.el.div(suggestions(list(FACTOID_SUGGESTIONS)), class_name="mt-4"),
        ),
        chat_refusal(),
        composer(FactoidChatState.send_from_panel, FactoidChatState.refresh_panel, "relative mt-4"),
        id="ask",
        aria_label="Ask about this",
        class_name=design.CARD + "mt-4 p-4 sm:p-6",
    )
