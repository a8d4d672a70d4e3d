"""The pages to which Stripe returns a buyer: after paying, and after leaving without paying."""

from typing import Any

import reflex as rx

from web.checkout.state import CheckoutState
from web.checkout.words import PaymentStep
from web.generate.panel import outcome
from web.generate.state import GenerateState
from web.server.html import noscript_notice
from web.server.page import Page, shell_html
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, link, load_problem, notice, plain_link

NOINDEX = [{"name": "robots", "content": "noindex"}]
NARROW = "!max-w-3xl pt-6"
CHECKOUT_ID = "[0-9a-f-]{36}"
PRERENDER = shell_html(
    f"Your payment | {NAME}",
    noscript_notice(
        "Your payment",
        "If you paid, your credits are yours. How it stands is shown with JavaScript.",
    ),
)


def _mark(mark: Any) -> rx.Component:
    """The symbol of a step that is done, under way, failed or still to come."""

    def dot(content: rx.Component, class_name: str) -> rx.Component:
        shape = "grid size-8 shrink-0 place-items-center rounded-full "
        return rx.el.span(content, class_name=shape + class_name, aria_hidden="true")

    shown = rx.match(
        mark,
        ("done", dot(icon("check", 18), "bg-good text-card")),
        ("now", dot(icon("hourglass", 16), "border-2 border-accent text-accent")),
        ("failed", dot(icon("x", 18), "bg-tint text-soft")),
        dot(rx.fragment(), "border-2 border-dashed border-line"),
    )
    return rx.fragment(shown)


MARK_LABELS = {"done": "Done: ", "now": "Under way: ", "failed": "Not done: "}


def _step(mark: Any, text: Any) -> rx.Component:
    return rx.el.li(
        _mark(mark),
        rx.el.span(
            rx.el.span(rx.match(mark, *MARK_LABELS.items(), "To come: "), class_name="sr-only"),
            text,
            class_name=rx.cond(mark == "todo", "text-faint", "font-medium"),
        ),
        aria_current=rx.cond(mark == "now", "step", "false"),
        custom_attrs={"data-mark": mark},
        class_name="flex min-h-11 items-center gap-3",
    )


def _steps() -> rx.Component:
    def step(item: PaymentStep) -> rx.Component:
        return _step(item.mark, item.text)

    writing = rx.cond(
        GenerateState.result,
        _step("done", "Your factoid is written"),
        rx.cond(
            GenerateState.refusal,
            _step("failed", "This one was not written"),
            _step("now", "Writing your factoid"),
        ),
    )
    return rx.el.ol(
        rx.foreach(CheckoutState.payment.steps, step),
        rx.cond(CheckoutState.generates, writing),
        id="steps",
        class_name="mt-5 grid gap-1 empty:hidden",
    )


def _chat_link(class_name: Any) -> rx.Component:
    """A link back to the chat, after messages were bought."""
    label = rx.cond(CheckoutState.return_path != "", "Back to your question", "Ask our overlords")
    return rx.cond(
        CheckoutState.chat_href != "",
        link(label, to=CheckoutState.chat_href, id="to-talk", class_name=class_name),
    )


def _next() -> rx.Component:
    """The next actions; there is always at least one."""
    return rx.el.div(
        rx.cond(
            CheckoutState.payment.pay_href != "",
            plain_link(
                CheckoutState.payment.pay_label,
                href=CheckoutState.payment.pay_href,
                id="pay",
                class_name=design.PRIMARY,
            ),
        ),
        rx.cond(
            CheckoutState.payment.retry_href != "",
            link("Try again", to=CheckoutState.payment.retry_href, class_name=design.PRIMARY),
        ),
        rx.cond(
            GenerateState.busy & CheckoutState.generates,
            rx.el.button(
                "Cancel the writing",
                type="button",
                id="cancel",
                on_click=GenerateState.cancel,
                class_name=design.SECONDARY,
            ),
        ),
        _chat_link(rx.cond(CheckoutState.status == "paid", design.PRIMARY, design.SECONDARY)),
        link("Back to the facts", to="/", class_name=design.SECONDARY),
        link("Your account", to="/account", class_name=design.QUIET),
        class_name="mt-6 flex flex-wrap gap-2",
    )


def _receipt() -> rx.Component:
    return rx.el.section(
        rx.el.h2(
            rx.cond(CheckoutState.was_paid, "Receipt", "The payment"),
            class_name=design.H2,
        ),
        rx.el.dl(
            rx.foreach(
                CheckoutState.receipt,
                lambda line: rx.el.div(
                    rx.el.dt(line[0], class_name="text-faint"),
                    rx.el.dd(line[1], class_name="break-words text-right"),
                    class_name="flex justify-between gap-6 border-b border-line py-2.5 "
                    "last:border-0",
                ),
            ),
            class_name="mt-2 text-sm tabular-nums",
        ),
        id="receipt",
        class_name="mt-10",
    )


def _payment() -> rx.Component:
    return rx.fragment(
        rx.el.section(
            emoji(CheckoutState.payment.emoji, "text-4xl"),
            rx.el.div(
                rx.el.h1(CheckoutState.payment.title, class_name=design.H1 + "mt-4"),
                rx.el.p(CheckoutState.payment.text, class_name="mt-3 max-w-prose text-soft"),
                role="status",
            ),
            _steps(),
            _next(),
            id="payment",
            custom_attrs={"data-status": CheckoutState.status},
            class_name=design.CARD + "p-5 sm:p-8",
        ),
        rx.cond(
            CheckoutState.generates & (CheckoutState.generation != ""),
            rx.el.section(outcome(), id="written"),
        ),
        _receipt(),
    )


def _missing() -> rx.Component:
    return rx.fragment(
        rx.el.h1("There is no such payment of yours", class_name="sr-only"),
        notice(
            "🧭",
            "No such payment here",
            "Either the link was cut short, or you paid in another browser: payments are seen only "
            "where they were made. What was paid is safe. Open this page there, or move to this "
            "device with a recovery link from your account.",
            link("Your account", to="/account", class_name=design.PRIMARY),
            link("Back to the facts", to="/", class_name=design.SECONDARY),
            id="missing",
        ),
    )


def _problem() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Your payment cannot be shown right now", class_name="sr-only"),
        load_problem(
            "Your payment cannot be shown right now",
            CheckoutState.problem + " Whatever you paid is safe.",
            CheckoutState.load_checkout,
        ),
    )


def _loading() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Your payment", class_name="sr-only"),
        rx.el.div(class_name="skeleton h-80 w-full !rounded-2xl", aria_hidden="true"),
    )


def _shown(content: rx.Component) -> rx.Component:
    found = rx.cond(CheckoutState.problem != "", _problem(), content)
    return rx.cond(
        CheckoutState.ready, rx.cond(CheckoutState.missing, _missing(), found), _loading()
    )


def checkout() -> rx.Component:
    return page(_shown(_payment()), class_name=NARROW)


PAGE = Page(
    route="/checkout/[checkout_id]",
    component=checkout,
    title=f"Your payment | {NAME}",
    description="How a payment stands.",
    image="/card.png",
    meta=NOINDEX,
    on_load=[GenerateState.dismiss, CheckoutState.load_checkout],
    prerender=PRERENDER,
    parameter=CHECKOUT_ID,
)


def cancelled() -> rx.Component:
    back = rx.fragment(
        _chat_link(design.SECONDARY), link("Back to the facts", to="/", class_name=design.SECONDARY)
    )
    left = notice(
        "🍃",
        "Nothing was charged",
        "You left before paying, and that is fine. Whatever is free goes on as ever.",
        rx.cond(
            CheckoutState.payment.pay_href != "",
            plain_link(
                CheckoutState.payment.pay_label,
                href=CheckoutState.payment.pay_href,
                id="pay",
                class_name=design.PRIMARY,
            ),
            link("See the prices", to="/pricing", class_name=design.PRIMARY),
        ),
        back,
        id="cancelled",
    )
    went_on = notice(
        "🧾",
        "This payment went on",
        "It was paid, or ended, after you had left its page.",
        link("See how it stands", to=CheckoutState.payment.href, class_name=design.PRIMARY),
        back,
        id="went-on",
    )
    return page(
        rx.el.h1("Back from paying", class_name="sr-only"),
        _shown(rx.cond(CheckoutState.status == "open", left, went_on)),
        class_name=NARROW,
    )


CANCELLED_PAGE = Page(
    route="/checkout/[checkout_id]/cancelled",
    component=cancelled,
    title=f"Back from paying | {NAME}",
    description="A payment that was not made.",
    image="/card.png",
    meta=NOINDEX,
    on_load=CheckoutState.load_checkout,
    prerender=PRERENDER,
    parameter=CHECKOUT_ID,
)
