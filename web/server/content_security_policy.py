"""The Content-Security-Policy of the pages: what they may run and load.

Every inline script of the build is allowed by its digest. The digests are taken before any text of
a visitor is inserted into a page, so that a script within such a text does not run.
"""

import base64
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from api.security_headers import SELF_ONLY, with_policy
from settings import Settings
from web.server.html import NOSCRIPT_STYLE, STANDIN_STYLE

INLINE = re.compile(r"<(script|style)(?:\s[^>]*)?>(.*?)</\1>", re.DOTALL)
TOAST_STYLE = re.compile(r"""(["'`])(\[data-sonner-toaster\].*?)\1""", re.DOTALL)
"""The stylesheet that the toast library adds to the page when it loads."""
EMPTY_STYLE = ""
"""The content of the style element that Reflex's styling library adds. It is filled through the
CSSOM, which the policy does not restrict.
"""


CAPTCHA_SOURCES = {
    "turnstile": {
        "script-src": "https://challenges.cloudflare.com",
        "frame-src": "https://challenges.cloudflare.com",
    },
    "hcaptcha": dict.fromkeys(
        ("script-src", "frame-src", "style-src", "connect-src"),
        "https://hcaptcha.com https://*.hcaptcha.com",
    ),
}
"""The sources that the widget of each captcha loads from."""


def page_headers(build: Path, settings: Settings) -> list[tuple[bytes, bytes]]:
    """The security headers of the built pages."""
    documents = [file.read_text() for file in sorted(build.glob("*.html"))]
    scripts = inline_code("script", documents)
    notice = [STANDIN_STYLE] if settings.standin_model else []
    styles = (
        inline_code("style", [*documents, *notice, NOSCRIPT_STYLE])
        | {EMPTY_STYLE}
        | _toast_styles(build)
    )
    policy = SELF_ONLY | {
        # Reflex runs what the server sends as script (toasts, live numbers): 'unsafe-eval'.
        "script-src": " ".join(["'self'", "'unsafe-eval'", *digests(scripts)]),
        "style-src": " ".join(["'self'", *digests(styles)]),
        "frame-src": "'self'",
    }
    for directive, sources in CAPTCHA_SOURCES.get(settings.captcha_provider or "", {}).items():
        policy[directive] = f"{policy[directive]} {sources}".strip()
    return with_policy(policy, https_only=settings.https_only)


def inline_code(element: str, documents: Iterable[str]) -> set[str]:
    """The contents of all inline elements of this name in the documents."""
    return {
        code
        for document in documents
        for name, code in INLINE.findall(document)
        if name == element and code
    }


def digests(codes: Iterable[str]) -> list[str]:
    """The policy sources that allow exactly these scripts or styles."""
    return sorted(
        f"'sha256-{base64.b64encode(sha256(code.encode()).digest()).decode()}'" for code in codes
    )


def _toast_styles(build: Path) -> set[str]:
    return {
        style
        for script in build.glob("assets/root-*.js")
        for _, style in TOAST_STYLE.findall(script.read_text())
    }
