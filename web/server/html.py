"""Pieces of HTML that the server adds to the built pages."""

from html import escape

STANDIN_STYLE = "<style>#standin{display:block}</style>"
"""Shows the notice that a stand-in model answers, from the first paint on."""
NOSCRIPT_STYLE = (
    "<style>body{display:flex;flex-direction:column}footer{order:2}"
    "#maker,#categories,#sorts,#search,#facts,header nav,#say-form,#your-chats,[data-suggestion]"
    "{display:none!important}</style>"
)
"""Hides what needs JavaScript; used within `<noscript>`."""


def inject(document: str, head: str, body: str) -> str:
    """The document with `head` and `body` appended to its head and its body.

    Only the last `</body>` is the real one; scripts may contain the same letters.
    """
    before, _, after = document.partition("</head>")
    inner, _, rest = after.rpartition("</body>")
    return f"{before}{head}</head>{inner}{body}</body>{rest}"


def head_title(title: str) -> str:
    """A title, and an instruction to search engines not to index the page."""
    return f"<title>{escape(title)}</title>" + '<meta name="robots" content="noindex"/>'


def noscript_notice(title: str, text: str) -> str:
    """A notice for readers without JavaScript, in place of a page that needs it."""
    return f'<noscript><div class="plain"><h1>{title}</h1><p>{text}</p></div></noscript>'
