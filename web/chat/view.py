"""The messages of a chat and the box below them, for its own page and for a factoid's panel."""

from typing import Any, cast

import reflex as rx

from web.chat.box import chat_box, scroll_button
from web.chat.form import NextMessage
from web.chat.markdown_elements import streamed_text
from web.chat.message import AnswerEvents, answer, answer_frame, own_message, source_list, tool_uses
from web.chat.state import ChatState
from web.chat.words import MessageView
from web.generate.vault import vault_button, vault_result
from web.ui import design
from web.ui.client_store import store_call
from web.ui.parts import link, value_of
from web.ui.refusal import RefusalView, refusal_notice
from web.ui.sharing import SharingState


@rx.memo
def message_item(message: rx.Var[MessageView]) -> rx.Component:
    """A message; not rendered again when the ones below change."""
    view = value_of(message)
    return rx.el.li(
        rx.cond(
            view.mine,
            own_message(view, ChatState.edit, ChatState.show_branch),
            answer(
                view,
                AnswerEvents(
                    regenerate=ChatState.regenerate,
                    continue_answer=ChatState.continue_answer,
                    show_branch=ChatState.show_branch,
                    copied=SharingState.report_outcome,
                ),
            ),
        )
    )


def _answer_in_progress() -> rx.Component:
    return rx.el.li(
        answer_frame(
            tool_uses(ChatState.tools),
            streamed_text(),
            source_list(ChatState.sources),
            rx.el.p(ChatState.stage, id="stage", class_name="text-sm text-faint"),
            custom_attrs={"data-said": "writing"},
        ),
        aria_busy="true",
    )


def is_empty_chat() -> Any:
    return (ChatState.messages.length() == 0) & ~ChatState.busy  # pyright: ignore


def messages() -> rx.Component:
    """The messages, and the answer that is being written."""
    return rx.el.ol(
        rx.foreach(
            ChatState.messages, lambda message: message_item(message=message, key=message.id)
        ),
        rx.cond(ChatState.busy, _answer_in_progress()),
        id="talk",
        aria_label="What was said",
        class_name="grid grid-cols-1 gap-7 py-6",
        on_mount=rx.call_script("factoids.followChat()"),
    )


def suggestions(texts: Any) -> rx.Component:
    """Suggested messages; pressing one puts it into the box."""

    def suggestion(text: Any) -> rx.Component:
        return rx.el.button(
            text,
            type="button",
            on_click=rx.call_script(store_call("fillBox", text)),
            custom_attrs={"data-suggestion": ""},
            class_name=design.SECONDARY + "max-w-full !py-2 text-left",
        )

    return rx.el.div(
        rx.foreach(texts, suggestion),
        aria_label="To start with",
        role="group",
        class_name="flex flex-wrap gap-2",
    )


def refusal_section(refusal: Any, pack: Any, buy_href: Any, on_dismiss: Any) -> rx.Component:
    """Why there is no answer, the wait, and the offers: a stored factoid or more messages."""
    buy = rx.cond(pack != "", link(pack, to=buy_href, id="buy", class_name=design.SECONDARY))
    return rx.fragment(
        rx.cond(
            refusal, refusal_notice(cast(RefusalView, refusal), on_dismiss, vault_button(), buy)
        ),
        vault_result(),
    )


def next_message_line(next_message: NextMessage, meter: Any = "") -> rx.Component:
    """The price of the next message, the messages left, and the cost of the chat so far."""
    return rx.fragment(
        rx.el.span(next_message.price, id="price"),
        rx.el.span(next_message.left, id="left"),
        rx.cond(meter != "", rx.el.span(meter, id="meter")),
    )


def composer(on_send: Any, on_refresh: Any, class_name: str) -> rx.Component:
    """The message form with everything around it."""
    below = next_message_line(ChatState.next_message, ChatState.meter)
    return rx.el.div(
        scroll_button(),
        rx.cond(
            ChatState.editing != "",
            rx.el.p(
                "You change what you said; the answer before is kept beside it. ",
                rx.el.button(
                    "Leave it",
                    type="button",
                    on_click=ChatState.edit(""),
                    class_name="min-h-11 cursor-pointer underline",
                ),
                id="editing",
                class_name="px-3 text-sm text-soft",
            ),
        ),
        chat_box(busy=ChatState.busy, on_submit=on_send, on_stop=ChatState.stop, below=below),
        rx.el.p(ChatState.spoken, id="spoken", aria_live="polite", class_name="sr-only"),
        rx.el.button(type="button", id="refresh-chat", hidden=True, on_click=on_refresh),
        class_name=class_name,
    )


def chat_refusal() -> rx.Component:
    return refusal_section(ChatState.refusal, ChatState.pack, ChatState.buy_href, ChatState.dismiss)
