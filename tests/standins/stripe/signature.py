"""How Stripe signs what it sends to a webhook.

Source: https://docs.stripe.com/webhooks/signature
"""

import hashlib
import hmac
import time
from collections.abc import Sequence


def sign(body: bytes, secrets: Sequence[str], *, at: int | None = None) -> str:
    """The `Stripe-Signature` of a body: one v1 for each secret, and Stripe's other scheme, v0.

    Args:
        at: Unix time in seconds; now when left out.
    """
    at = int(time.time()) if at is None else at
    signed = b"%d.%b" % (at, body)
    digests = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in secrets]
    return ",".join([f"t={at}", *(f"v1={one}" for one in digests), f"v0={'0' * 64}"])
