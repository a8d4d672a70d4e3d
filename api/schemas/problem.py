"""Problem details (RFC 9457): the shape of every refusal."""

from dataclasses import dataclass, field


@dataclass
class FieldProblem:
    """An invalid field, named by a JSON pointer into the body or by a parameter name."""

    pointer: str
    detail: str


@dataclass
class CaptchaOut:
    """What a page needs to show a CAPTCHA widget."""

    provider: str
    """turnstile or hcaptcha."""
    site_key: str


@dataclass
class Problem:
    """Why a request was refused, in plain words."""

    title: str
    status: int
    detail: str
    code: str
    request_id: str
    type: str = "about:blank"
    errors: list[FieldProblem] = field(default_factory=list[FieldProblem])
    retry_after_s: int | None = None
    captcha: CaptchaOut | None = None
    """Set with `captcha_required`: repeat the request with its token as `captcha_token`."""
