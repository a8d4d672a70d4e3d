"""What the stand-in's pages have alike: a frame, a few parts, one style."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#1a1f36, #e6e8ef);
  --quiet: light-dark(#5b6178, #a3a9bd); --page: light-dark(#f6f8fb, #12151f);
  --card: light-dark(#fff, #1b2030); --line: light-dark(#d9dee8, #343b50);
  --accent: light-dark(#4338ca, #a5b4fc); --on-accent: light-dark(#fff, #12151f);
  --bad: light-dark(#b4232a, #ff9a9a); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
.banner { background: #fde68a; color: #422006; text-align: center; padding: .4rem 1rem;
  font-size: .9rem; font-weight: 600; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
main.narrow { max-width: 30rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.5rem; }
.price { font-size: 2.4rem; font-weight: 700; line-height: 1.2; }
.quiet { color: var(--quiet); font-size: .9rem; }
.bad { color: var(--bad); font-weight: 600; }
.stack { display: grid; gap: .6rem; margin-top: 1.25rem; } .stack button { width: 100%; }
button { font: inherit; padding: .55rem .9rem; min-height: 2.75rem; border-radius: 8px;
  border: 1px solid var(--line); background: transparent; color: inherit; cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent);
  font-weight: 600; }
button:hover { border-color: var(--accent); }
a { color: var(--accent); } :focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--card);
  border: 1px solid var(--line); }
th, td { text-align: left; padding: .5rem .75rem; border-bottom: 1px solid var(--line);
  vertical-align: top; font-size: .9rem; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
td form { display: inline-flex; gap: .35rem; margin: 0 .35rem .35rem 0; align-items: center; }
td button { padding: .2rem .6rem; min-height: 2rem; font-size: .85rem; }
input[type=number] { width: 7rem; font: inherit; padding: .2rem .4rem; }
code { font-size: .85em; overflow-wrap: anywhere; }
select { font: inherit; padding: .3rem; }
"""


def page(title: str, content: str, *, narrow: bool = False) -> bytes:
    """A whole page; `content` is HTML already."""
    kind = ' class="narrow"' if narrow else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{STYLE}</style>'
        '<p class="banner" style="margin:0">A stand-in for Stripe: no card is asked for and no'
        f" money moves.</p><main{kind}>{content}</main></html>"
    ).encode()


def button(address: str, said: str, *, main: bool = False, **fields: str) -> str:
    """A form of one button that posts `fields` to an address."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    kind = ' class="main"' if main else ""
    return (
        f'<form method="post" action="{escape(address)}">{hidden}'
        f"<button{kind}>{escape(said)}</button></form>"
    )


def table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, empty: str) -> str:
    """A table whose cells are HTML already, or a sentence when there is none."""
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    if not lines:
        return f'<p class="quiet">{escape(empty)}</p>'
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def at(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%H:%M:%S")
