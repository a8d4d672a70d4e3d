"""Pieces of HTML that the server adds to the built pages."""

from html import escape

STANDIN_STYLE = "<style>#standin{display:block}</style>"
"""Shows the notice that a stand-in model answers; in the HTML, so that nothing moves later."""
NOSCRIPT_STYLE = (
    "<style>body{display:flex;flex-direction:column}footer{order:2}"
    "#maker,#categories,#sorts,#search,#facts,header nav,#say-form,#your-chats,[data-suggestion]"
    "{display:none!important}</style>"
)
"""Hides what needs JavaScript; to be used within `<noscript>`."""


def inject(document: str, head: str, body: str) -> str:
    """The document with these at the end of its head and of its body.

    Only the last `</body>` is the real one; scripts may contain the same letters.
    """
    before, _, after = document.partition("</head>")
    inner, _, rest = after.rpartition("</body>")
    return f"{before}{head}</head>{inner}{body}</body>{rest}"


def head_title(title: str) -> str:
    """A title, and that search engines should not list the page."""
    return f"<title>{escape(title)}</title>" + '<meta name="robots" content="noindex"/>'


def noscript_notice(title: str, text: str) -> str:
    """In place of a page that is shown with JavaScript only."""
    return f'<noscript><div class="plain"><h1>{title}</h1><p>{text}</p></div></noscript>'
