"""The headers that keep what we answer from being misused, for the API and the pages."""

from settings import settings

FOR_ALL = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
if settings.site_url.startswith("https://"):
    FOR_ALL.append((b"strict-transport-security", b"max-age=63072000; includeSubDomains"))

NOTHING_RUNS = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

SELF_ONLY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""A page that brings all it needs in files of ours."""


def with_policy(policy: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """All headers of an answer under this Content-Security-Policy."""
    said = "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    return [*FOR_ALL, (b"content-security-policy", said.encode())]


DATA = with_policy(NOTHING_RUNS)
"""Of everything that is no page: should a browser show it, nothing in it is run or fetched."""
DOCS = with_policy(SELF_ONLY)
"""Of the API's documentation."""
