"""The page to which a recovery link leads."""

import reflex as rx

from web.account.recovery_link import recovery_link
from web.recover.state import RecoverState
from web.server.page import Page, built_html
from web.ui import design
from web.ui.client_store import live_or, use_store
from web.ui.layout import NAME, page
from web.ui.parts import emoji, link, notice


def _offer(left_behind: rx.Var[str], working: rx.Var[bool], refused: rx.Var[str]) -> rx.Component:
    return rx.el.section(
        emoji("🗝️", "text-4xl"),
        rx.el.h1("Be yourself in this browser, too", class_name=design.H1 + "mt-4"),
        rx.el.p(
            "You have opened a recovery link. With one press this browser is whoever made it: same "
            "credits, same keys, same votes. Go on only if the link is your own.",
            class_name="mt-3 max-w-prose text-soft",
        ),
        rx.cond(
            left_behind != "",
            rx.el.p(
                rx.el.strong("This browser has ", left_behind, " now. ", class_name="text-ink"),
                "That stays with who you are here, and you get a link back to it.",
                id="leaves",
                class_name="mt-4 rounded-xl bg-accent-soft px-4 py-3 text-sm text-ink",
            ),
            rx.el.p(
                "This browser has no credits and no keys of its own, so nothing is left behind "
                "but its votes, and they stay counted.",
                id="leaves",
                class_name="mt-4 rounded-xl bg-tint px-4 py-3 text-sm text-soft",
            ),
        ),
        rx.cond(
            refused != "",
            rx.el.p(refused, id="refused", role="alert", class_name="mt-4 text-accent"),
        ),
        rx.el.div(
            rx.el.button(
                rx.cond(working, "One moment…", "Be me here"),
                type="button",
                id="recover",
                on_click=[
                    RecoverState.recovery_started,
                    rx.call_script(
                        rx.cond(
                            left_behind != "", "factoids.recover(true)", "factoids.recover(false)"
                        ).to(str),
                        callback=RecoverState.recovery_finished,
                    ),
                ],
                class_name=design.PRIMARY,
            ),
            link("Leave it", to="/", class_name=design.SECONDARY),
            class_name="mt-6 flex flex-wrap gap-2",
        ),
        class_name=design.CARD + "p-5 sm:p-8",
    )


@rx.memo
def _with_link(
    left_behind: rx.Var[str], working: rx.Var[bool], refused: rx.Var[str]
) -> rx.Component:
    """The content that depends on the recovery link, which only the browser knows."""
    recovery, new_link = use_store("recovery", "recovery"), use_store("recovery-link", "newLink")
    incomplete = rx.fragment(
        rx.el.h1("This link is not complete", class_name="sr-only"),
        notice(
            "🧩",
            "This link is not complete",
            "A recovery link has a long end behind a #. Copy all of it, or make a new one in the "
            "account of the browser where you are still yourself.",
            link("Your account", to="/account", class_name=design.PRIMARY),
            link("Back to the facts", to="/", class_name=design.SECONDARY),
            id="incomplete",
        ),
    )
    done = rx.el.h1("You are yourself here", class_name=design.H1)
    return rx.cond(
        live_or(new_link, "link", "") != "",
        done,
        rx.cond(
            live_or(recovery, "state", "missing") == "ready",
            _offer(left_behind, working, refused),
            incomplete,
        ),
    )


def recover() -> rx.Component:
    loading = rx.fragment(
        rx.el.h1("A recovery link", class_name="sr-only"),
        rx.el.div(class_name="skeleton h-72 w-full !rounded-2xl", aria_hidden="true"),
    )
    return page(
        rx.cond(
            RecoverState.ready,
            _with_link(
                left_behind=RecoverState.left_behind,
                working=RecoverState.working,
                refused=RecoverState.refused,
            ),
            loading,
        ),
        recovery_link(
            title="The way back",
            words="This link leads back to who you were here, and to what you left there. It is "
            "shown only once: save it now.",
            done="/account",
        ),
        class_name="!max-w-3xl pt-6",
    )


PAGE = Page(
    route="/recover",
    component=recover,
    title=f"Be yourself here | {NAME}",
    description="Where a recovery link leads to.",
    image="/card.png",
    meta=[{"name": "robots", "content": "noindex"}],
    on_load=RecoverState.load_recovery,
    prerender=built_html("recover"),
)
