"""The page of prices: what there is, what it costs, what happens when it fails."""

from typing import Any

import reflex as rx

from web.generate.form_parts import press_name
from web.pricing.state import Offer, Pricing
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, link, notice

FREE = (
    "Reading, voting, searching and the fact of the hour are free and stay so, and so is your "
    "share of new facts and of questions to our overlords. "
)
MORE = "Whoever wants more pays once: no sign-up, no subscription."
HOW = (
    ("mouse-pointer-click", "You press", "Nothing opens by itself, and nothing is charged here."),
    ("credit-card", "You pay at Stripe", "We never see your card. Promotion codes go in there."),
    ("undo-2", "You come back", "Your credits are here within moments, also if you close it all."),
)

BACK = design.QUIET + "-ml-4 mb-3"


def _wish() -> rx.Component:
    """What is to be written as soon as it is paid; its topic is asked for when there is to be."""
    topic = rx.el.div(
        rx.el.label("Topic (optional)", html_for="wish-topic", class_name="sr-only"),
        rx.el.input(
            id="wish-topic",
            name="topic",
            default_value=Pricing.topic,
            placeholder="About anything at all",
            auto_complete="off",
            class_name=design.FIELD + "truncate px-4",
        ),
        rx.el.input(type="hidden", name="model", value=Pricing.model, read_only=True),
        rx.cond(
            Pricing.model != "",
            rx.el.p("Written by ", Pricing.model, class_name="mt-2 text-sm text-faint"),
        ),
        class_name="mt-1 hidden group-has-checked:block",
    )
    return rx.el.fieldset(
        rx.el.legend("With your payment", class_name="sr-only"),
        rx.el.label(
            rx.el.input(
                type="checkbox",
                name="write",
                default_checked=Pricing.wanted,
                class_name="size-5 shrink-0 accent-accent",
            ),
            "Write my first one as soon as it is paid",
            class_name="flex min-h-11 cursor-pointer items-center gap-3 text-sm font-medium",
        ),
        topic,
        class_name="group mt-5",
    )


def _messages() -> rx.Component:
    """What a credit for the chat does, and where."""
    return rx.el.p(
        icon("message-circle", 16, class_name="mt-[3px] shrink-0 text-accent"),
        rx.el.span(
            "Each credit pays for one message once your free ones are used up. ",
            link("Ask our overlords", to="/chat", id="to-chat", class_name="underline"),
        ),
        class_name="mt-3 flex gap-2 text-sm text-soft",
    )


def _offer(offer: Offer) -> rx.Component:
    going = Pricing.buying == offer.key
    return rx.el.form(
        rx.el.div(
            emoji(offer.face, "text-4xl"),
            rx.el.h3(offer.name, class_name=design.H2 + "mt-4"),
            rx.el.p(
                rx.el.span(offer.price, class_name="serif text-4xl font-semibold tabular-nums"),
                rx.el.span("once", class_name="text-sm text-faint"),
                class_name="mt-3 flex items-baseline gap-2",
            ),
            rx.el.p(offer.description, class_name="mt-3"),
            rx.el.p(
                icon("shield-check", 16, class_name="mt-[3px] shrink-0 text-good"),
                rx.el.span(
                    rx.el.strong("If it fails: ", class_name="font-semibold text-ink"), offer.fails
                ),
                class_name="mt-4 flex gap-2 text-sm text-soft",
            ),
            rx.cond(offer.wishes, _wish()),
            rx.cond(offer.key == "chat", _messages()),
        ),
        press_name(),
        rx.el.input(type="hidden", name="product", value=offer.key, read_only=True),
        rx.el.div(
            rx.cond(
                Pricing.refused_key == offer.key,
                rx.el.p(Pricing.refused, role="alert", class_name="mb-3 text-accent"),
            ),
            rx.el.button(
                rx.cond(going, "Opening Stripe…", "Pay " + offer.price + " with Stripe"),
                type="submit",
                aria_busy=rx.cond(going, "true", "false"),
                class_name=design.PRIMARY + "min-h-12 w-full !rounded-xl text-base tabular-nums",
            ),
            class_name="mt-6",
        ),
        on_submit=Pricing.buy,
        reset_on_submit=False,
        key=offer.key,
        custom_attrs={"data-product": offer.key},
        class_name=design.CARD + "grid content-between p-5 sm:p-7",
    )


def _step(name: str, title: str, words: str) -> rx.Component:
    return rx.el.li(
        icon(name, 20, class_name="mt-0.5 shrink-0 text-accent"),
        rx.el.div(
            rx.el.p(title, class_name="font-semibold"),
            rx.el.p(words, class_name="text-sm text-soft"),
        ),
        class_name="flex gap-3",
    )


def _left(number: Any, one: str, many: str) -> rx.Component:
    counted = rx.el.strong(number, class_name="tabular-nums")
    words = rx.cond(number == 1, f" {one}", f" {many}")
    return rx.cond(number > 0, rx.fragment(counted, words))


def _for_sale() -> rx.Component:
    return rx.fragment(
        rx.cond(
            Pricing.credits_left + Pricing.messages_left > 0,
            link(
                emoji("🎟️"),
                rx.el.span(
                    "You have credits left: ",
                    _left(Pricing.credits_left, "new factoid", "new factoids"),
                    rx.cond((Pricing.credits_left > 0) & (Pricing.messages_left > 0), " and ", ""),
                    _left(Pricing.messages_left, "chat message", "chat messages"),
                    ".",
                ),
                icon("arrow-right", 16, class_name="ml-auto shrink-0"),
                to="/account",
                id="credits-left",
                class_name="mb-4 flex min-h-12 items-center gap-3 rounded-xl bg-good-soft px-4 "
                "text-sm text-ink hover:brightness-95",
            ),
        ),
        rx.el.div(
            rx.foreach(Pricing.offers, _offer), class_name="grid grid-cols-1 gap-4 md:grid-cols-2"
        ),
        rx.el.ol(*[_step(*one) for one in HOW], class_name="mt-8 grid gap-5 md:grid-cols-3"),
    )


def _shown() -> rx.Component:
    off = notice(
        "🎈",
        "Nothing to pay for here",
        "Payments are switched off. Whatever is free goes on as ever.",
        link("Back to the facts", to="/", class_name=design.PRIMARY),
        id="payments-off",
    )
    trouble = notice(
        "🛸",
        "The prices did not arrive",
        Pricing.problem,
        rx.el.button(
            "Try again",
            type="button",
            id="retry",
            on_click=Pricing.open,
            class_name=design.PRIMARY,
        ),
        id="trouble",
        role="alert",
    )
    return rx.cond(Pricing.problem != "", trouble, rx.cond(Pricing.payments_on, _for_sale(), off))


def _loading() -> rx.Component:
    box: Any = rx.el.div(class_name="skeleton h-[30rem] w-full !rounded-2xl")
    return rx.el.div(
        box, box, class_name="grid grid-cols-1 gap-4 md:grid-cols-2", aria_hidden="true"
    )


@rx.page(
    route="/pricing",
    title=f"Pricing | {NAME}",
    description="More new facts and answers than the free ones: what there is, what it costs.",
    image="/card.png",
    on_load=Pricing.open,
)
def pricing() -> rx.Component:
    return page(
        rx.cond(
            Pricing.back != "",
            link(icon("arrow-left", 16), "Back to your question", to=Pricing.back, class_name=BACK),
            link(icon("arrow-left", 16), "All facts", to="/", class_name=BACK),
        ),
        rx.el.h1("More facts and answers, when you want them", class_name=design.H1),
        rx.el.p(
            FREE,
            rx.cond(Pricing.ready, rx.cond(Pricing.payments_on, MORE, ""), MORE),
            class_name="mt-3 max-w-prose text-soft",
        ),
        rx.el.section(
            rx.el.h2("For sale", class_name="sr-only"),
            rx.cond(Pricing.ready, _shown(), _loading()),
            id="offers",
            aria_busy=rx.cond(Pricing.ready, "false", "true"),
            class_name="mt-8",
        ),
        class_name="!max-w-4xl pt-6",
    )
