"""Security headers of all responses, and the Content-Security-Policies of data and documents."""

COMMON_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")

DATA_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""The policy of responses that are not pages: a browser that shows one runs and loads nothing."""

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
"""The policy of a page that loads only files of this site."""


def with_policy(policy: dict[str, str], *, https_only: bool) -> list[tuple[bytes, bytes]]:
    """All security headers of a response under this Content-Security-Policy."""
    directives = "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    https = [STRICT_TRANSPORT_SECURITY] if https_only else []
    return [*COMMON_HEADERS, *https, (b"content-security-policy", directives.encode())]
