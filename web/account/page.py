"""The account page: credits, payments, and moving to another device."""

import reflex as rx

from web.account.recovery_link import recovery_link
from web.account.state import AccountState, Balance, Movement, Payment
from web.server.page import Page, built_html
from web.ui import design
from web.ui.layout import NAME, page
from web.ui.parts import icon, link, load_problem, notice, time_ago

LINK = "text-ink underline underline-offset-4 hover:text-accent"
LIST = "mt-4 divide-y divide-line rounded-2xl border border-line bg-card shadow-card"
SECTION = "mt-12"


def _balance(balance: Balance) -> rx.Component:
    return rx.el.li(
        rx.el.p(balance.product, class_name="text-sm text-soft"),
        rx.el.p(
            rx.el.span(balance.left, class_name="serif text-4xl font-semibold tabular-nums"),
            rx.el.span(balance.unit, " left", class_name="text-soft"),
            class_name="mt-1 flex flex-wrap items-baseline gap-x-2",
        ),
        rx.el.p(balance.rest, class_name="mt-2 text-sm tabular-nums text-faint"),
        key=balance.product,
        custom_attrs={"data-balance": balance.product},
        class_name=design.CARD + "p-5 sm:p-6",
    )


def _credits() -> rx.Component:
    buy = rx.cond(
        AccountState.payments_on,
        link("See what there is", to="/pricing", class_name=design.PRIMARY),
        link("To the facts", to="/", class_name=design.SECONDARY),
    )
    nothing = notice(
        "🎟️",
        "No credits yet",
        "Your free share of new facts comes back by itself. Credits are for when that is too slow.",
        buy,
        id="no-credits",
    )
    more = rx.cond(
        AccountState.payments_on,
        link("Get more", to="/pricing", class_name=design.SECONDARY + "mt-4"),
    )
    cards = rx.el.ul(
        rx.foreach(AccountState.balances, _balance),
        class_name="mt-4 grid grid-cols-1 gap-4 sm:grid-cols-2",
    )
    return rx.el.section(
        rx.el.h2("Credits", class_name=design.H2),
        rx.cond(
            AccountState.balances,
            rx.fragment(cards, more),
            rx.el.div(nothing, class_name="mt-4"),
        ),
        id="credits-section",
        class_name="mt-8",
    )


def _payment(payment: Payment) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(payment.what, class_name="font-medium"),
            rx.el.p(payment.on, class_name="mt-0.5 text-sm text-faint"),
            class_name="min-w-0 flex-1",
        ),
        rx.el.div(
            rx.el.p(payment.paid, class_name="font-semibold"),
            rx.el.p(
                rx.cond(payment.refunded != "", payment.refunded, payment.state),
                class_name="mt-0.5 text-sm text-soft",
            ),
            class_name="tabular-nums sm:text-right",
        ),
        link(
            icon("receipt-text", 16),
            "Receipt",
            rx.el.span(" of ", payment.on, class_name="sr-only"),
            to=payment.href,
            class_name=design.QUIET + "-ml-4 self-start sm:ml-0 sm:self-center",
        ),
        key=payment.id,
        custom_attrs={"data-payment": payment.id},
        class_name="flex flex-col gap-x-5 gap-y-1 px-5 py-4 sm:flex-row sm:items-center",
    )


def _payments() -> rx.Component:
    return rx.cond(
        AccountState.payments,
        rx.el.section(
            rx.el.h2("Payments", class_name=design.H2),
            rx.el.ul(rx.foreach(AccountState.payments, _payment), class_name=LIST),
            id="payments",
            class_name=SECTION,
        ),
    )


def _movement(movement: Movement) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(movement.label),
            rx.el.p(
                movement.product,
                " · ",
                time_ago(at=movement.at, words=movement.at_text),
                class_name="mt-0.5 text-sm text-faint",
            ),
            class_name="min-w-0 flex-1",
        ),
        rx.el.div(
            rx.el.p(movement.change, class_name="font-semibold"),
            rx.el.p(movement.left, class_name="mt-0.5 text-sm text-faint"),
            class_name="shrink-0 text-right tabular-nums",
        ),
        class_name="flex items-center gap-5 px-5 py-3",
    )


def _history() -> rx.Component:
    return rx.cond(
        AccountState.movements,
        rx.el.section(
            rx.el.h2("History", class_name=design.H2),
            rx.el.ul(rx.foreach(AccountState.movements, _movement), class_name=LIST),
            id="history",
            class_name=SECTION,
        ),
    )


def _moving() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Move to another device", class_name=design.H2),
        rx.el.p(
            "A recovery link makes another browser you, with your credits, keys and votes; this "
            "one stays you as well. Save it, too, in case this browser forgets. Whoever has it is "
            "you, so keep it like a password.",
            class_name="mt-2 max-w-prose text-sm text-soft",
        ),
        rx.cond(
            AccountState.refused != "",
            rx.el.p(AccountState.refused, role="alert", class_name="mt-3 text-accent"),
        ),
        rx.el.button(
            icon("link", 16),
            rx.cond(AccountState.making, "Making…", "Make a recovery link"),
            type="button",
            id="make-link",
            on_click=AccountState.make_link,
            class_name=design.SECONDARY + "mt-4",
        ),
        recovery_link(
            title="Your recovery link",
            words="This is shown only once. Open it on the other device, or save it now.",
            done="",
        ),
        id="moving",
        class_name=SECTION + " border-t border-line pt-8",
    )


def _programs() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Programs and signing out", class_name=design.H2),
        rx.el.p(
            "Your ",
            link("API keys", to="/keys", class_name=LINK),
            " can use your credits, too. There you also sign out everywhere, which ends all "
            "recovery links.",
            class_name="mt-2 max-w-prose text-sm text-soft",
        ),
        class_name=SECTION,
    )


def _shown() -> rx.Component:
    problem = load_problem(
        "Your account did not arrive", AccountState.problem, AccountState.load_account
    )
    return rx.cond(
        AccountState.problem != "",
        rx.el.div(problem, class_name="mt-8"),
        rx.fragment(_credits(), _payments(), _history(), _moving(), _programs()),
    )


def account() -> rx.Component:
    loading = rx.el.div(class_name="skeleton mt-8 h-52 w-full !rounded-2xl", aria_hidden="true")
    return page(
        link(icon("arrow-left", 16), "All facts", to="/", class_name=design.QUIET + "-ml-4 mb-3"),
        rx.el.h1("Your account", class_name=design.H1),
        rx.el.p(
            "No name and no password: a cookie in this browser says that you are you.",
            class_name="mt-3 max-w-prose text-soft",
        ),
        rx.el.div(
            rx.cond(AccountState.ready, _shown(), loading),
            id="account",
            aria_busy=rx.cond(AccountState.ready, "false", "true"),
        ),
        class_name="!max-w-3xl pt-6",
    )


PAGE = Page(
    route="/account",
    component=account,
    title=f"Your account | {NAME}",
    description="What you bought, and what is left of it.",
    image="/card.png",
    meta=[{"name": "robots", "content": "noindex"}],
    on_load=AccountState.load_account,
    prerender=built_html("account"),
)
