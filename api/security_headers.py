"""The headers that keep what we answer from being misused, for the API and the pages."""

FOR_ALL = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
HTTPS_ONLY = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")

NOTHING_RUNS = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""Everything that is no page: should a browser show it, nothing in it is run or fetched."""

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


def with_policy(policy: dict[str, str], *, https_only: bool) -> list[tuple[bytes, bytes]]:
    """All security headers of a response under this Content-Security-Policy."""
    said = "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    https = [HTTPS_ONLY] if https_only else []
    return [*FOR_ALL, *https, (b"content-security-policy", said.encode())]
