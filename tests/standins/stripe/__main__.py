"""`python -m tests.standins.stripe --webhook URL`: serve a person until told to stop."""

import argparse
import asyncio
import json
import signal
from pathlib import Path

from .running import serving
from .server import KEY, SECRET, StripeStandIn

PAUSES_S = (1, 5, 20)
"""Before each repetition of a delivery: the product may be starting anew."""


async def serve(standin: StripeStandIn, port: int) -> None:
    async with serving(standin, port):
        print(f"stand-in Stripe at {standin.base_url}", flush=True)
        await asyncio.Event().wait()


def remember(standin: StripeStandIn, memory: Path) -> None:
    """Go on with the account in a file, and keep the file up to date."""
    if memory.exists():
        standin.account.read(json.loads(memory.read_text()))

    def write() -> None:
        new = memory.with_suffix(".new")
        new.write_text(json.dumps(standin.account.written()))
        new.replace(memory)

    standin.account.changed = write


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standins.stripe")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--webhook", help="where events are delivered; held without one")
    parser.add_argument("--key", default=KEY, help="the secret key that is let in")
    parser.add_argument("--secret", default=SECRET, help="what signs events")
    parser.add_argument("--memory", type=Path, help="a file that keeps the account for next time")
    options = parser.parse_args()

    standin = StripeStandIn(
        key=options.key, secrets=[options.secret], manner="at once", pauses_s=PAUSES_S
    )
    standin.deliveries.url = options.webhook
    if options.memory:
        remember(standin, options.memory)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(serve(standin, options.port))


if __name__ == "__main__":
    main()
