"""The page of a visitor's API keys."""

import reflex as rx

from web.keys.key_item import key_item
from web.keys.state import DEFAULT_EXPIRY, EXPIRIES, SCOPES, KeysState
from web.server.page import Page, built_html
from web.ui import design
from web.ui.client_store import live_or, selector, use_store
from web.ui.confirm import confirmed_button
from web.ui.forms import idempotency_field
from web.ui.layout import NAME, page
from web.ui.parts import emoji, icon, link, load_problem, notice, plain_link
from web.ui.secret import CODE, FRAME, copy_button
from web.ui.sharing import SharingState


@rx.memo
def new_key() -> rx.Component:
    """A new key, with an example call that works as it is."""
    key = use_store("new-key", "newKey")
    token = live_or(key, "token", "")
    curl = selector("curlExample", key)
    return rx.cond(
        token != "",
        rx.el.section(
            rx.el.h2(emoji("🔑", "mr-2"), live_or(key, "name", ""), class_name=design.H2),
            rx.el.p(
                "This is shown only once. Copy it now and keep it like a password: "
                "we cannot show it again. ",
                live_or(key, "old", ""),
                role="status",
                class_name="mt-2 font-medium text-accent",
            ),
            rx.el.code(token, id="token", class_name=CODE + "mt-4"),
            rx.el.h3("Try it", class_name="mt-5 text-sm font-semibold"),
            rx.el.pre(curl, id="curl", class_name=CODE + "mt-2", tab_index=0),
            rx.el.div(
                copy_button("Copy key", token, SharingState.report_outcome, id="copy-key"),
                copy_button("Copy command", curl, SharingState.report_outcome),
                rx.el.button(
                    "I have it",
                    type="button",
                    id="forget-key",
                    on_click=rx.call_script("factoids.forgetNewKey()"),
                    class_name=design.QUIET,
                ),
                class_name="mt-4 flex flex-wrap gap-2",
            ),
            id="new-key",
            tab_index=-1,
            class_name=FRAME,
        ),
    )


def _form() -> rx.Component:
    scopes = [
        rx.el.label(
            rx.el.input(
                type="checkbox",
                name=f"scope-{scope}",
                default_checked=True,
                class_name="sr-only",
            ),
            label,
            class_name=design.CHIP,
        )
        for scope, label in SCOPES.items()
    ]
    label = "text-sm font-medium"
    return rx.el.form(
        rx.el.h2("Make a key", class_name=design.H2),
        idempotency_field(),
        rx.el.div(
            rx.el.div(
                rx.el.label("Name", html_for="key-name", class_name=label),
                rx.el.input(
                    id="key-name",
                    name="name",
                    required=True,
                    max_length=80,
                    placeholder="Kitchen display",
                    auto_complete="off",
                    class_name=design.FIELD + "mt-1.5 px-4",
                ),
            ),
            rx.el.div(
                rx.el.label("Expires", html_for="key-expires", class_name=label),
                rx.el.div(
                    rx.el.select(
                        *[rx.el.option(text, value=days) for days, text in EXPIRIES.items()],
                        id="key-expires",
                        name="expires",
                        default_value=DEFAULT_EXPIRY,
                        class_name=design.FIELD + "cursor-pointer pl-4 pr-10",
                    ),
                    icon(
                        "chevrons-up-down",
                        16,
                        class_name="pointer-events-none absolute right-4 top-4 text-faint",
                    ),
                    class_name="relative mt-1.5",
                ),
            ),
            class_name="mt-4 grid gap-4 sm:grid-cols-[1fr_12rem]",
        ),
        rx.el.fieldset(
            rx.el.legend("It may", class_name=label + " mb-1.5"),
            rx.el.div(*scopes, class_name="flex flex-wrap gap-2"),
            class_name="mt-4",
        ),
        rx.cond(
            KeysState.refused != "",
            rx.el.p(
                KeysState.refused, id="key-refused", role="alert", class_name="mt-4 text-accent"
            ),
        ),
        rx.el.button(
            rx.cond(KeysState.making, "Making…", "Make a key"),
            type="submit",
            id="make-key",
            class_name=design.PRIMARY + "mt-5",
        ),
        on_submit=KeysState.make_key,
        reset_on_submit=False,
        id="key-form",
        class_name=design.CARD + "mt-6 p-5 sm:p-7",
    )


def _list() -> rx.Component:
    nothing = notice(
        "🗝️",
        "No keys yet",
        "A key lets a program of yours read, vote and ask for facts, with limits of its own.",
        id="no-keys",
    )
    rows = rx.el.ul(
        rx.foreach(
            KeysState.rows,
            lambda row: key_item(row, KeysState.rotate_key, KeysState.revoke_key),
        ),
        class_name="grid grid-cols-1 gap-4",
    )
    problem = load_problem("The keys did not arrive", KeysState.problem, KeysState.load_keys)
    loading = rx.el.div(class_name="skeleton h-52 w-full !rounded-2xl", aria_hidden="true")
    shown = rx.cond(KeysState.rows, rows, nothing)
    return rx.el.section(
        rx.el.h2("Your keys", class_name=design.H2 + "mb-4 mt-12"),
        rx.cond(KeysState.ready, rx.cond(KeysState.problem != "", problem, shown), loading),
        id="keys",
        aria_busy=rx.cond(KeysState.ready, "false", "true"),
    )


def _sign_out() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Who you are here", class_name=design.H2),
        rx.el.p(
            "No account, no password: a cookie in your browser says that you are you. If a "
            "stranger may have it, sign out everywhere; every browser with it is a stranger "
            "afterwards, this one too.",
            class_name="mt-2 max-w-prose text-sm text-soft",
        ),
        rx.el.p(
            "What you bought, and the way to another device, is in ",
            link(
                "your account",
                to="/account",
                class_name="text-ink underline underline-offset-4 hover:text-accent",
            ),
            ".",
            class_name="mt-2 max-w-prose text-sm text-soft",
        ),
        rx.el.div(
            confirmed_button(
                "signing-out",
                "Sign out everywhere",
                "Sign out everywhere?",
                "The keys listed here are revoked, and you lose sight of your votes. What you "
                "bought stays with this browser.",
                "Sign out",
                rx.call_script("factoids.signOut()", callback=KeysState.sign_out_failed),
            ),
            class_name="-ml-4 mt-2",
        ),
        class_name="mt-12 border-t border-line pt-8",
    )


def keys() -> rx.Component:
    return page(
        link(icon("arrow-left", 16), "All facts", to="/", class_name=design.QUIET + "-ml-4 mb-3"),
        rx.el.h1("API keys", class_name=design.H1),
        rx.el.p(
            "For programs of yours. Making one is free; each has a limit and a small budget of "
            "its own. ",
            plain_link(
                "What the API can do",
                href="/docs",
                class_name="text-ink underline underline-offset-4 hover:text-accent",
            ),
            class_name="mt-3 max-w-prose text-soft",
        ),
        new_key(),
        _form(),
        _list(),
        _sign_out(),
        class_name="!max-w-3xl pt-6",
    )


PAGE = Page(
    route="/keys",
    component=keys,
    title=f"API keys | {NAME}",
    description="Keys for programs that read, vote and ask for facts.",
    image="/card.png",
    meta=[{"name": "robots", "content": "noindex"}],
    on_load=KeysState.load_keys,
    prerender=built_html("keys"),
)
