"""Small servers on loopback that take what the product tells others: e-mail and JSON."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from tests.processes import free_port


class Received:
    """What arrived; while it is not `open`, everything is refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.open = True
        self.bodies: list[dict[str, Any]] = []
        self.mails: list[Message] = []


@contextmanager
def receiving_json() -> Generator[Received]:
    """A server that takes JSON at any address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if received.open:
                received.bodies.append(json.loads(body) | {"path": self.path})
            self.send_response(200 if received.open else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Received(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def receiving_mail() -> Generator[Received]:
    """A mail server."""

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            if not received.open:
                return "451 Come back later"
            received.mails.append(message_from_bytes(envelope.content))
            return "250 Taken"

    port = free_port()
    received = Received(f"smtp://127.0.0.1:{port}")
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield received
    finally:
        controller.stop()
