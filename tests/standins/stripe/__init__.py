"""A stand-in for Stripe: Checkout, refunds, disputes and signed events on loopback HTTP.

In tests (fixture `stripe_standin` of `tests/fixtures/stripe.py`, or `running_stripe()` by hand):

    standin.base_url, standin.key, standin.deliveries.secrets    # what the product's settings say
    standin.deliveries.url = f"{product}/api/payments/webhook"   # where events go

    session = standin.till.pay(session_id)          # or pay_later, succeed, fail, decline, use_code
    standin.sessions.expire(session_id)
    refund = standin.refunds.refund(standin.charge_of(session_id), 300)     # of its smallest unit
    standin.refunds.slow = True                     # then refunds.succeed(id) or refunds.fail(id)
    dispute = standin.disputes.open(standin.charge_of(session_id))          # then win(id), lose(id)

Every step makes the events that Stripe's makes. They are held until asked for:

    await standin.deliveries.deliver()                              # all that are held, in order
    await standin.deliveries.deliver(*standin.events(...), times=20, together=True)
    standin.deliveries.lose(event)                                  # GET /v1/events still knows it
    standin.deliveries.manner = "at once"                           # or "twice", "lost", "held"
    await standin.deliveries.settled()
    body = body_of(event | {"livemode": True})                      # what a stranger might send
    await standin.deliveries.post(body, sign(body, standin.deliveries.secrets, at=…))
    standin.deliveries.attempts                                     # every delivery and its status

What goes wrong with the requests to come, one each; `faults.FAULTS` lists them:

    standin.faults.queue("hang-after", at="POST /v1/checkout/sessions")

The clock of the account goes on with `standin.account.later(seconds)`: sessions expire by it.
Run it for a person with `python -m tests.standins.stripe`. The product never imports it.
"""

from .delivery import body_of
from .running import running_stripe
from .server import StripeStandIn
from .signature import sign

__all__ = ["StripeStandIn", "body_of", "running_stripe", "sign"]
