"""The API starts and stops as often as it is asked to."""

import asyncio

from tests.fixtures.api import api_client


async def test_stopping_never_waits_for_what_will_not_come(database):
    """Right after the start, when the connections are still being made, it used to hang."""
    from api.app import create_app

    for reads in range(20):
        app = create_app()
        async with asyncio.timeout(60), app.lifespan():
            if reads % 2:
                async with api_client(app) as client:
                    assert (await client.get("/api/factoids")).status_code == 200
