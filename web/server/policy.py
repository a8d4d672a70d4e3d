"""The Content-Security-Policy of the pages: what they may run and load.

Every inline script of the build is allowed by its digest, which is taken before any visitor's text
is put into a page: a script within such a text does not run.
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
TOASTS = re.compile(r"""(["'`])(\[data-sonner-toaster\].*?)\1""", re.DOTALL)
"""The stylesheet that the library for toasts adds to the page when it loads."""
EMPTY = ""
"""The empty element that Reflex' styling library adds; filling it by rules needs no permission."""


CAPTCHAS = {
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
    """The headers of the build's pages."""
    documents = [file.read_text() for file in sorted(build.glob("*.html"))]
    scripts = inline("script", documents)
    notice = [STANDIN_STYLE] if settings.standin_model else []
    styles = inline("style", [*documents, *notice, NOSCRIPT_STYLE]) | {EMPTY} | _toasts(build)
    policy = SELF_ONLY | {
        # Reflex runs what the server sends as script (toasts, live numbers): 'unsafe-eval'.
        "script-src": " ".join(["'self'", "'unsafe-eval'", *digests(scripts)]),
        "style-src": " ".join(["'self'", *digests(styles)]),
        "frame-src": "'self'",
    }
    for directive, sources in CAPTCHAS.get(settings.captcha_provider or "", {}).items():
        policy[directive] = f"{policy[directive]} {sources}".strip()
    return with_policy(policy, https_only=settings.https_only)


def inline(element: str, documents: Iterable[str]) -> set[str]:
    """What such elements of these documents hold."""
    return {
        code
        for document in documents
        for name, code in INLINE.findall(document)
        if name == element and code
    }


def digests(codes: Iterable[str]) -> list[str]:
    """The sources of a policy that allow exactly these."""
    return sorted(
        f"'sha256-{base64.b64encode(sha256(code.encode()).digest()).decode()}'" for code in codes
    )


def _toasts(build: Path) -> set[str]:
    return {
        style
        for script in build.glob("assets/root-*.js")
        for _, style in TOASTS.findall(script.read_text())
    }
