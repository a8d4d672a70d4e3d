"""Turnstile's and hCaptcha's verification, as far as the product calls it: a token says by its
first word what becomes of it.
"""

from .server import CaptchaStandIn, running_captcha

__all__ = ["CaptchaStandIn", "running_captcha"]
