"""`python -m tests.standins.stripe --webhook URL`: serve a person until told to stop."""

import argparse
import asyncio
import signal

from .running import serving
from .server import KEY, SECRET, StripeStandIn

PAUSES_S = (1, 5, 20)
"""Before each repetition of a delivery: the product may be starting anew."""


async def serve(port: int, webhook: str | None, key: str, secret: str) -> None:
    standin = StripeStandIn(key=key, secrets=[secret], manner="at once", pauses_s=PAUSES_S)
    standin.deliveries.url = webhook
    async with serving(standin, port):
        print(f"stand-in Stripe at {standin.base_url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standins.stripe")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--webhook", help="where events are delivered; held without one")
    parser.add_argument("--key", default=KEY, help="the secret key that is let in")
    parser.add_argument("--secret", default=SECRET, help="what signs events")
    options = parser.parse_args()

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(serve(options.port, options.webhook, options.key, options.secret))


if __name__ == "__main__":
    main()
