"""Where Stripe sends a buyer back to: how it stands, what was bought, and what is written of it."""

from typing import Any

import reflex as rx

from web.checkout.state import Paying
from web.checkout.words import Step
from web.generate.panel import outcome
from web.generate.state import Generate
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, leaving, link, notice

HIDDEN = [{"name": "robots", "content": "noindex"}]
NARROW = "!max-w-3xl pt-6"


def _mark(mark: Any) -> rx.Component:
    """Done, under way, failed or still to come."""

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


SPOKEN = {"done": "Done: ", "now": "Under way: ", "failed": "Not done: "}


def _step(mark: Any, words: Any) -> rx.Component:
    return rx.el.li(
        _mark(mark),
        rx.el.span(
            rx.el.span(rx.match(mark, *SPOKEN.items(), "To come: "), class_name="sr-only"),
            words,
            class_name=rx.cond(mark == "todo", "text-faint", "font-medium"),
        ),
        aria_current=rx.cond(mark == "now", "step", "false"),
        custom_attrs={"data-mark": mark},
        class_name="flex min-h-11 items-center gap-3",
    )


def _steps() -> rx.Component:
    def step(one: Step) -> rx.Component:
        return _step(one.mark, one.words)

    writing = rx.cond(
        Generate.result,
        _step("done", "Your factoid is written"),
        rx.cond(
            Generate.trouble,
            _step("failed", "This one was not written"),
            _step("now", "Writing your factoid"),
        ),
    )
    return rx.el.ol(
        rx.foreach(Paying.standing.steps, step),
        rx.cond(Paying.writes, writing),
        id="steps",
        class_name="mt-5 grid gap-1 empty:hidden",
    )


def _to_talk(class_name: Any) -> rx.Component:
    """The way back to a question, for who bought messages."""
    words = rx.cond(Paying.back != "", "Back to your question", "Ask our overlords")
    return rx.cond(
        Paying.talk_href != "",
        link(words, to=Paying.talk_href, id="to-talk", class_name=class_name),
    )


def _next() -> rx.Component:
    """What to do now; there always is something."""
    return rx.el.div(
        rx.cond(
            Paying.standing.pay_href != "",
            leaving(
                Paying.standing.pay_words,
                href=Paying.standing.pay_href,
                id="pay",
                class_name=design.PRIMARY,
            ),
        ),
        rx.cond(
            Paying.standing.again_href != "",
            link("Try again", to=Paying.standing.again_href, class_name=design.PRIMARY),
        ),
        rx.cond(
            Generate.busy & Paying.writes,
            rx.el.button(
                "Cancel the writing",
                type="button",
                id="cancel",
                on_click=Generate.cancel,
                class_name=design.SECONDARY,
            ),
        ),
        _to_talk(rx.cond(Paying.status == "paid", design.PRIMARY, design.SECONDARY)),
        link("Back to the facts", to="/", class_name=design.SECONDARY),
        link("Your account", to="/account", class_name=design.QUIET),
        class_name="mt-6 flex flex-wrap gap-2",
    )


def _receipt() -> rx.Component:
    return rx.el.section(
        rx.el.h2(
            rx.cond(Paying.was_paid, "Receipt", "The payment"),
            class_name=design.H2,
        ),
        rx.el.dl(
            rx.foreach(
                Paying.receipt,
                lambda one: rx.el.div(
                    rx.el.dt(one[0], class_name="text-faint"),
                    rx.el.dd(one[1], class_name="break-words text-right"),
                    class_name="flex justify-between gap-6 border-b border-line py-2.5 "
                    "last:border-0",
                ),
            ),
            class_name="mt-2 text-sm tabular-nums",
        ),
        id="receipt",
        class_name="mt-10",
    )


def _standing() -> rx.Component:
    return rx.fragment(
        rx.el.section(
            emoji(Paying.standing.face, "text-4xl"),
            rx.el.div(
                rx.el.h1(Paying.standing.title, class_name=design.H1 + "mt-4"),
                rx.el.p(Paying.standing.words, class_name="mt-3 max-w-prose text-soft"),
                role="status",
            ),
            _steps(),
            _next(),
            id="payment",
            custom_attrs={"data-status": Paying.status},
            class_name=design.CARD + "p-5 sm:p-8",
        ),
        rx.cond(Paying.writes & (Paying.generation != ""), rx.el.section(outcome(), id="written")),
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


def _trouble() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Your payment cannot be shown right now", class_name="sr-only"),
        notice(
            "🛸",
            "Your payment cannot be shown right now",
            Paying.problem + " Whatever you paid is safe.",
            rx.el.button(
                "Try again",
                type="button",
                id="retry",
                on_click=Paying.open,
                class_name=design.PRIMARY,
            ),
            id="trouble",
            role="alert",
        ),
    )


def _loading() -> rx.Component:
    return rx.fragment(
        rx.el.h1("Your payment", class_name="sr-only"),
        rx.el.div(class_name="skeleton h-80 w-full !rounded-2xl", aria_hidden="true"),
    )


def _shown(known: rx.Component) -> rx.Component:
    found = rx.cond(Paying.problem != "", _trouble(), known)
    return rx.cond(Paying.ready, rx.cond(Paying.missing, _missing(), found), _loading())


@rx.page(
    route="/checkout/[checkout_id]",
    title=f"Your payment | {NAME}",
    description="How a payment stands.",
    image="/card.png",
    meta=HIDDEN,
    on_load=[Generate.dismiss, Paying.open],
)
def checkout() -> rx.Component:
    return page(_shown(_standing()), class_name=NARROW)


@rx.page(
    route="/checkout/[checkout_id]/cancelled",
    title=f"Back from paying | {NAME}",
    description="A payment that was not made.",
    image="/card.png",
    meta=HIDDEN,
    on_load=Paying.open,
)
def cancelled() -> rx.Component:
    back = rx.fragment(
        _to_talk(design.SECONDARY), link("Back to the facts", to="/", class_name=design.SECONDARY)
    )
    left = notice(
        "🍃",
        "Nothing was charged",
        "You left before paying, and that is fine. Whatever is free goes on as ever.",
        rx.cond(
            Paying.standing.pay_href != "",
            leaving(
                Paying.standing.pay_words,
                href=Paying.standing.pay_href,
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
        link("See how it stands", to=Paying.standing.href, class_name=design.PRIMARY),
        back,
        id="went-on",
    )
    return page(
        rx.el.h1("Back from paying", class_name="sr-only"),
        _shown(rx.cond(Paying.status == "open", left, went_on)),
        class_name=NARROW,
    )
