"""Where a recovery link leads to."""

import reflex as rx

from web.recover.state import Recover
from web.ui import design
from web.ui.client_store import latest, seen
from web.ui.layout import NAME, page
from web.ui.parts import emoji, link, notice
from web.ui.secret import recovery_link


def _offer(leaves: rx.Var[str], working: rx.Var[bool], refused: rx.Var[str]) -> rx.Component:
    return rx.el.section(
        emoji("🗝️", "text-4xl"),
        rx.el.h1("Be yourself in this browser, too", class_name=design.H1 + "mt-4"),
        rx.el.p(
            "You have opened a recovery link. With one press this browser is whoever made it: same "
            "credits, same keys, same votes. Go on only if the link is your own.",
            class_name="mt-3 max-w-prose text-soft",
        ),
        rx.cond(
            leaves != "",
            rx.el.p(
                rx.el.strong("This browser has ", leaves, " now. ", class_name="text-ink"),
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
                    Recover.begin,
                    rx.call_script(
                        rx.cond(
                            leaves != "", "factoids.recover(true)", "factoids.recover(false)"
                        ).to(str),
                        callback=Recover.answered,
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
def _with_link(leaves: rx.Var[str], working: rx.Var[bool], refused: rx.Var[str]) -> rx.Component:
    """What the browser alone knows: whether there is a link, and whether it was used."""
    known, made = seen("recovery", "known"), seen("recovery-link", "made")
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
        latest(made, "link", "") != "",
        done,
        rx.cond(
            latest(known, "state", "missing") == "ready",
            _offer(leaves, working, refused),
            incomplete,
        ),
    )


@rx.page(
    route="/recover",
    title=f"Be yourself here | {NAME}",
    description="Where a recovery link leads to.",
    image="/card.png",
    meta=[{"name": "robots", "content": "noindex"}],
    on_load=Recover.open,
)
def recover() -> rx.Component:
    loading = rx.fragment(
        rx.el.h1("A recovery link", class_name="sr-only"),
        rx.el.div(class_name="skeleton h-72 w-full !rounded-2xl", aria_hidden="true"),
    )
    return page(
        rx.cond(
            Recover.ready,
            _with_link(leaves=Recover.leaves, working=Recover.working, refused=Recover.refused),
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
