"""The visual design: colours, typography, and the CSS that Tailwind cannot express."""

from pathlib import Path
from typing import Any

import reflex as rx
from reflex.plugins import Plugin

LIGHT = {
    "paper": "#faf7f2",
    "card": "#ffffff",
    "ink": "#1d1a16",
    "soft": "#574f45",
    "faint": "#6f665b",
    "line": "#e6ddd0",
    "tint": "#f2ebe0",
    "accent": "#b4431f",
    "accent-ink": "#ffffff",
    "accent-soft": "#fbe9e1",
    "good": "#1c6844",
    "good-soft": "#e1f1e8",
}
"""Every pair of text and background colours in use has a contrast of at least 4.5:1."""
DARK = {
    "paper": "#14120f",
    "card": "#1d1a16",
    "ink": "#f4efe6",
    "soft": "#c0b6a8",
    "faint": "#a0968a",
    "line": "#352f28",
    "tint": "#28231d",
    "accent": "#ff8a5c",
    "accent-ink": "#24120a",
    "accent-soft": "#3a2219",
    "good": "#7fd1a6",
    "good-soft": "#1c3327",
}
SHADOW_LIGHT = "0 1px 2px rgb(60 40 20 / .05), 0 10px 28px -14px rgb(60 40 20 / .18)"
SHADOW_DARK = "0 1px 2px rgb(0 0 0 / .4), 0 12px 32px -16px rgb(0 0 0 / .6)"

SANS = '"Inter Variable", system-ui, sans-serif'
SERIF = '"Fraunces Variable", Georgia, serif'
EMOJI = '"Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", sans-serif'

TAILWIND: Any = {
    "theme": {
        "extend": {
            "colors": {name: f"var(--{name})" for name in LIGHT},
            "boxShadow": {"card": "var(--shadow)"},
        }
    },
    "plugins": [],
}

BUTTON = (
    "inline-flex min-h-11 items-center justify-center gap-2 rounded-full px-4 text-sm font-medium "
    "cursor-pointer select-none transition-colors active:scale-[.98] "
)
"""The shape of all buttons, 44 px high so that a thumb hits them."""
PRIMARY = BUTTON + "bg-accent text-accent-ink font-semibold hover:brightness-110 "
SECONDARY = BUTTON + "border border-line bg-card text-ink hover:bg-tint "
QUIET = BUTTON + "text-soft hover:bg-tint hover:text-ink "
FIELD = (
    "min-h-12 w-full rounded-xl border border-line bg-card text-base text-ink "
    "placeholder:text-faint transition-colors hover:border-faint "
)
CHIP = (
    "inline-flex min-h-11 cursor-pointer items-center rounded-full border border-line px-4 text-sm "
    "text-soft hover:bg-tint has-checked:border-ink has-checked:bg-ink has-checked:text-paper "
    "has-focus-visible:outline-2 has-focus-visible:outline-offset-2 "
    "has-focus-visible:outline-accent "
)
CARD = "rounded-2xl border border-line bg-card shadow-card "
FACT = "serif text-[1.3125rem] leading-[1.42] tracking-[-0.01em] sm:text-2xl sm:leading-[1.38] "
"""The typography of a factoid's text in lists and while it is written."""
FACT_LARGE = (
    "serif text-[1.625rem] leading-[1.32] tracking-[-0.015em] sm:text-[2.125rem] sm:leading-[1.25] "
)
"""The typography of a factoid's text on its own page."""

H1 = (
    "serif balance text-[1.75rem] font-semibold leading-[1.12] tracking-[-0.02em] sm:text-[2.5rem] "
)
H2 = "serif text-2xl font-semibold "


def _variables(colours: dict[str, str], shadow: str) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items()) + f"--shadow:{shadow};"


CSS = f"""
:root{{{_variables(LIGHT, SHADOW_LIGHT)}--tile-l:.945;--tile-c:.045;color-scheme:light}}
html.dark{{{_variables(DARK, SHADOW_DARK)}--tile-l:.3;--tile-c:.05;color-scheme:dark}}
html{{-webkit-text-size-adjust:100%;scroll-padding-top:5rem}}
@media (min-width:640px){{html{{scrollbar-gutter:stable}}}}
body{{display:flex;flex-direction:column;min-height:100dvh}}
main{{flex:1 0 auto}}
body{{background:var(--paper);color:var(--ink);font-family:{SANS};line-height:1.5;
 -webkit-font-smoothing:antialiased;overflow-wrap:break-word}}
.serif{{font-family:{SERIF};text-wrap:pretty}}
.balance{{text-wrap:balance}}
.emoji{{font-family:{EMOJI};line-height:1}}
.sentence::first-letter{{text-transform:uppercase}}
.tile{{background:oklch(var(--tile-l) var(--tile-c) var(--hue,60))}}
:focus-visible{{outline:2px solid var(--accent);outline-offset:2px}}
::selection{{background:var(--accent-soft)}}
mark{{background:var(--accent-soft);color:inherit;border-radius:.2em;
 box-shadow:0 0 0 .08em var(--accent-soft);font-weight:600}}
[data-sonner-toaster]{{--mobile-offset-left:0px!important;--mobile-offset-right:0px!important}}
/* Toasts and the offline banner must not cover the message box. */
body:has(.sticky #say-form) :is([data-sonner-toaster],#offline){{bottom:8.5rem!important}}
summary{{list-style:none}}
summary::-webkit-details-marker{{display:none}}
select{{appearance:none}}
.menu{{position:fixed;margin:0;
 inset:3.75rem max(.75rem,calc((100vw - 64.5rem)/2 + .5rem)) auto auto}}
/* Below the button that opened it, and no taller than the room below it. */
@supports (position-area:bottom){{.menu{{inset:auto;position-area:bottom span-left;
 margin-top:.25rem;max-height:calc(100% - .75rem);overflow-y:auto}}}}
.ask::backdrop{{background:rgb(0 0 0 / .45)}}
.meter{{appearance:none;display:block;width:100%;height:.5rem;border:0;border-radius:99px;
 overflow:hidden;background:var(--tint);color:var(--good)}}
.meter::-webkit-progress-bar{{background:var(--tint)}}
.meter::-webkit-progress-value{{background:var(--good);border-radius:99px}}
.meter::-moz-progress-bar{{background:var(--good)}}
.row-scroll{{overflow-x:auto;scrollbar-width:none;scroll-snap-type:x proximity}}
.row-scroll>*{{scroll-snap-align:start;scroll-margin-inline:1rem}}
.skeleton{{background:linear-gradient(100deg,var(--tint) 40%,var(--line) 50%,var(--tint) 60%);
 background-size:200% 100%;animation:sheen 1.6s ease-in-out infinite;border-radius:6px}}
.caret:not(:has(>p:last-child))::after,.caret>p:last-child::after{{content:"";display:inline-block;width:.45ch;height:1em;margin-left:3px;
 vertical-align:-.12em;background:var(--accent);animation:blink 1s steps(2) infinite}}
.rise{{animation:rise .3s cubic-bezier(.2,.7,.2,1) both}}
.stale{{opacity:.55;transition:opacity .2s .15s}}
@keyframes sheen{{from{{background-position:120% 0}}to{{background-position:-80% 0}}}}
@keyframes rise{{from{{opacity:0;transform:translateY(8px)}}to{{opacity:1;transform:none}}}}
@keyframes blink{{50%{{opacity:0}}}}
@media (prefers-reduced-motion:reduce){{*,*::before,*::after{{animation:none!important;
 transition:none!important;scroll-behavior:auto!important}}}}
@media (forced-colors:active){{.tile,.skeleton{{border:1px solid CanvasText}}}}
/* The server adds a rule that shows it when a stand-in model answers. */
#standin{{display:none}}
.plain{{max-width:48rem;width:100%;margin:0 auto;padding:1.5rem 1rem 4rem}}
#preview{{padding-top:9.05rem}}
body:has(#main) #preview{{display:none}}
.plain .top{{position:absolute;inset:0 0 auto;height:4rem;padding:1rem 1.5rem;font-size:1.25rem;
 font-weight:600;border-bottom:1px solid var(--line)}}
.plain article{{margin-top:1rem;padding:1.75rem;border:1px solid var(--line);border-radius:1rem;
 background:var(--card);box-shadow:var(--shadow);font-size:1.25rem}}
.plain h1{{margin-top:1rem;font-size:1.625rem;line-height:1.32;letter-spacing:-.015em}}
@media print{{header,footer,form,nav,.no-print{{display:none!important}}}}
.skip:not(:focus){{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}
"""

TOAST = {
    "display": "flex",
    "gap": "10px",
    "alignItems": "center",
    "width": "fit-content",
    "maxWidth": "calc(100vw - 32px)",
    "margin": "0 auto",
    "left": 0,
    "right": 0,
    "background": "var(--ink)",
    "color": "var(--paper)",
    "borderRadius": "24px",
    "padding": "12px 20px",
    "fontSize": "14px",
    "fontWeight": 500,
    "fontFamily": SANS,
    "boxShadow": "var(--shadow)",
}


class DesignPlugin(Plugin):
    """Adds the fonts from npm and the stylesheet above to the build."""

    def get_frontend_dependencies(self, **context: Any) -> list[str]:
        return ["@fontsource-variable/inter@5.2.8", "@fontsource-variable/fraunces@5.2.9"]

    def get_stylesheet_paths(self, **context: Any) -> list[str]:
        return ["./design.css"]

    def get_static_assets(self, **context: Any) -> list[tuple[Path, str]]:
        return [(Path("styles/design.css"), CSS)]


class Fonts(rx.Fragment):
    """Imports the fonts in JavaScript, since their relative URLs break inside the stylesheet."""

    def add_imports(self) -> dict[str, list[str]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return {
            "": ["@fontsource-variable/inter/index.css", "@fontsource-variable/fraunces/index.css"]
        }
