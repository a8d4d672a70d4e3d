"""What the pages may run and load: the Content-Security-Policy of their HTML.

Every inline script of the build is allowed by its digest, taken before anybody's words are put
into a page; so a script that got in with them would not run.
"""

import base64
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from api.security_headers import SELF_ONLY, with_policy
from settings import Settings
from web.server.prerender import STANDIN, WITHOUT_SCRIPT

INLINE = re.compile(r"<(script|style)(?:\s[^>]*)?>(.*?)</\1>", re.DOTALL)
TOASTS = re.compile(r"""(["'`])(\[data-sonner-toaster\].*?)\1""", re.DOTALL)
"""The stylesheet that the toasts' library keeps in a script and adds to the page when it loads."""
EMPTY = ""
"""What Reflex' styling library adds; it fills it rule by rule, which no policy minds."""


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
"""What the configured one's widget loads from elsewhere."""


def page_headers(build: Path, settings: Settings) -> list[tuple[bytes, bytes]]:
    """The headers of the build's pages."""
    documents = [file.read_text() for file in sorted(build.glob("*.html"))]
    scripts = inline("script", documents)
    notice = [STANDIN] if settings.standin_model else []
    styles = inline("style", [*documents, *notice, WITHOUT_SCRIPT]) | {EMPTY} | _toasts(build)
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
