"""The stand-in on a free port of this machine, for tests."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from .server import StripeStandIn

HOST = "127.0.0.1"


@asynccontextmanager
async def serving(standin: StripeStandIn, port: int = 0) -> AsyncGenerator[None]:
    """Serve a stand-in; port 0 picks a free one."""
    connections = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(standin.serve(reader, writer))
        connections.add(task)
        with suppress(asyncio.CancelledError):
            await task
        connections.discard(task)

    server = await asyncio.start_server(serve, HOST, port)
    standin.account.base_url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await standin.deliveries.close()


@asynccontextmanager
async def running_stripe(*, webhook: str | None = None) -> AsyncGenerator[StripeStandIn]:
    """A stand-in that holds its events until it is told to deliver them."""
    standin = StripeStandIn()
    standin.deliveries.url = webhook
    async with serving(standin):
        yield standin
