"""The pricing page: the products, their prices, and what happens when delivery fails."""

from typing import Any

import reflex as rx

from web.pricing.state import PricingState, ProductView
from web.server.page import Page, built_html
from web.ui import design
from web.ui.forms import idempotency_field
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, link, load_problem, notice

FREE_TEXT = (
    "Reading, voting, searching and the fact of the hour are free and stay so, and so is your "
    "share of new facts and of questions to our overlords. "
)
BUY_TEXT = "Whoever wants more pays once: no sign-up, no subscription."
STEPS = (
    ("mouse-pointer-click", "You press", "Nothing opens by itself, and nothing is charged here."),
    ("credit-card", "You pay at Stripe", "We never see your card. Promotion codes go in there."),
    ("undo-2", "You come back", "Your credits are here within moments, also if you close it all."),
)

BACK = design.QUIET + "-ml-4 mb-3"


def _generation_fields() -> rx.Component:
    """The choice to generate a factoid on payment, with the field for its topic."""
    topic = rx.el.div(
        rx.el.label("Topic (optional)", html_for="wish-topic", class_name="sr-only"),
        rx.el.input(
            id="wish-topic",
            name="topic",
            default_value=PricingState.topic,
            placeholder="About anything at all",
            auto_complete="off",
            class_name=design.FIELD + "truncate px-4",
        ),
        rx.el.input(type="hidden", name="model", value=PricingState.model, read_only=True),
        rx.cond(
            PricingState.model != "",
            rx.el.p("Written by ", PricingState.model, class_name="mt-2 text-sm text-faint"),
        ),
        class_name="mt-1 hidden group-has-checked:block",
    )
    return rx.el.fieldset(
        rx.el.legend("With your payment", class_name="sr-only"),
        rx.el.label(
            rx.el.input(
                type="checkbox",
                name="write",
                default_checked=PricingState.generate_on_payment,
                class_name="size-5 shrink-0 accent-accent",
            ),
            "Write my first one as soon as it is paid",
            class_name="flex min-h-11 cursor-pointer items-center gap-3 text-sm font-medium",
        ),
        topic,
        class_name="group mt-5",
    )


def _chat_note() -> rx.Component:
    """What a credit for the chat pays for, with a link to the chat."""
    return rx.el.p(
        icon("message-circle", 16, class_name="mt-[3px] shrink-0 text-accent"),
        rx.el.span(
            "Each credit pays for one message once your free ones are used up. ",
            link("Ask our overlords", to="/chat", id="to-chat", class_name="underline"),
        ),
        class_name="mt-3 flex gap-2 text-sm text-soft",
    )


def _product(product: ProductView) -> rx.Component:
    in_progress = PricingState.buying == product.key
    return rx.el.form(
        rx.el.div(
            emoji(product.emoji, "text-4xl"),
            rx.el.h3(product.name, class_name=design.H2 + "mt-4"),
            rx.el.p(
                rx.el.span(product.price, class_name="serif text-4xl font-semibold tabular-nums"),
                rx.el.span("once", class_name="text-sm text-faint"),
                class_name="mt-3 flex items-baseline gap-2",
            ),
            rx.el.p(product.description, class_name="mt-3"),
            rx.el.p(
                icon("shield-check", 16, class_name="mt-[3px] shrink-0 text-good"),
                rx.el.span(
                    rx.el.strong("If it fails: ", class_name="font-semibold text-ink"),
                    product.fails,
                ),
                class_name="mt-4 flex gap-2 text-sm text-soft",
            ),
            rx.cond(product.can_generate, _generation_fields()),
            rx.cond(product.key == "chat", _chat_note()),
        ),
        idempotency_field(),
        rx.el.input(type="hidden", name="product", value=product.key, read_only=True),
        rx.el.div(
            rx.cond(
                PricingState.refused_key == product.key,
                rx.el.p(PricingState.refused, role="alert", class_name="mb-3 text-accent"),
            ),
            rx.el.button(
                rx.cond(in_progress, "Opening Stripe…", "Pay " + product.price + " with Stripe"),
                type="submit",
                aria_busy=rx.cond(in_progress, "true", "false"),
                class_name=design.PRIMARY + "min-h-12 w-full !rounded-xl text-base tabular-nums",
            ),
            class_name="mt-6",
        ),
        on_submit=PricingState.buy,
        reset_on_submit=False,
        key=product.key,
        custom_attrs={"data-product": product.key},
        class_name=design.CARD + "grid content-between p-5 sm:p-7",
    )


def _step(name: str, title: str, text: str) -> rx.Component:
    return rx.el.li(
        icon(name, 20, class_name="mt-0.5 shrink-0 text-accent"),
        rx.el.div(
            rx.el.p(title, class_name="font-semibold"),
            rx.el.p(text, class_name="text-sm text-soft"),
        ),
        class_name="flex gap-3",
    )


def _left(number: Any, singular: str, plural: str) -> rx.Component:
    counted = rx.el.strong(number, class_name="tabular-nums")
    words = rx.cond(number == 1, f" {singular}", f" {plural}")
    return rx.cond(number > 0, rx.fragment(counted, words))


def _for_sale() -> rx.Component:
    return rx.fragment(
        rx.cond(
            PricingState.credits_left + PricingState.messages_left > 0,
            link(
                emoji("🎟️"),
                rx.el.span(
                    "You have credits left: ",
                    _left(PricingState.credits_left, "new factoid", "new factoids"),
                    rx.cond(
                        (PricingState.credits_left > 0) & (PricingState.messages_left > 0),
                        " and ",
                        "",
                    ),
                    _left(PricingState.messages_left, "chat message", "chat messages"),
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
            rx.foreach(PricingState.products, _product),
            class_name="grid grid-cols-1 gap-4 md:grid-cols-2",
        ),
        rx.el.ol(*[_step(*step) for step in STEPS], class_name="mt-8 grid gap-5 md:grid-cols-3"),
    )


def _shown() -> rx.Component:
    off = notice(
        "🎈",
        "Nothing to pay for here",
        "Payments are switched off. Whatever is free goes on as ever.",
        link("Back to the facts", to="/", class_name=design.PRIMARY),
        id="payments-off",
    )
    problem = load_problem(
        "The prices did not arrive", PricingState.problem, PricingState.load_pricing
    )
    return rx.cond(
        PricingState.problem != "", problem, rx.cond(PricingState.payments_on, _for_sale(), off)
    )


def _loading() -> rx.Component:
    box: Any = rx.el.div(class_name="skeleton h-[30rem] w-full !rounded-2xl")
    return rx.el.div(
        box, box, class_name="grid grid-cols-1 gap-4 md:grid-cols-2", aria_hidden="true"
    )


def pricing() -> rx.Component:
    return page(
        rx.cond(
            PricingState.return_path != "",
            link(
                icon("arrow-left", 16),
                "Back to your question",
                to=PricingState.return_path,
                class_name=BACK,
            ),
            link(icon("arrow-left", 16), "All facts", to="/", class_name=BACK),
        ),
        rx.el.h1("More facts and answers, when you want them", class_name=design.H1),
        rx.el.p(
            FREE_TEXT,
            rx.cond(PricingState.ready, rx.cond(PricingState.payments_on, BUY_TEXT, ""), BUY_TEXT),
            class_name="mt-3 max-w-prose text-soft",
        ),
        rx.el.section(
            rx.el.h2("For sale", class_name="sr-only"),
            rx.cond(PricingState.ready, _shown(), _loading()),
            id="offers",
            aria_busy=rx.cond(PricingState.ready, "false", "true"),
            class_name="mt-8",
        ),
        class_name="!max-w-4xl pt-6",
    )


PAGE = Page(
    route="/pricing",
    component=pricing,
    title=f"Pricing | {NAME}",
    description="More new facts and answers than the free ones: what there is, what it costs.",
    image="/card.png",
    on_load=PricingState.load_pricing,
    prerender=built_html("pricing"),
)
