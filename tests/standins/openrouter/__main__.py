"""`python -m tests.standins.openrouter --port N`: serve until told to stop."""

import argparse
import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from .facts import FACTS_PATH, Facts, load_facts
from .server import API, StandIn

HOST = "127.0.0.1"


async def serve(standin: StandIn, port: int) -> None:
    server = await asyncio.start_server(standin.serve, HOST, port)
    address = server.sockets[0].getsockname()
    print(f"stand-in OpenRouter at http://{HOST}:{address[1]}{API}", flush=True)
    await server.serve_forever()


def stop_when_stdin_closes() -> None:
    """End with the process that started us, even if it is killed."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standins.openrouter")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--pace", type=float, default=40, help="tokens per second, 0: no pauses")
    parser.add_argument("--facts", type=Path, default=FACTS_PATH, help="JSON list of facts")
    parser.add_argument("--seed", type=int, help="fixes the order of the facts")
    parser.add_argument("--until-stdin-closes", action="store_true")
    options = parser.parse_args()

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if options.until_stdin_closes:
        stop_when_stdin_closes()
    facts = Facts(load_facts(options.facts), options.seed)
    asyncio.run(serve(StandIn(facts, options.pace), options.port))


if __name__ == "__main__":
    main()
