"""How Alembic reaches the database and knows the tables."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool

from db.migrations.config import config
from db.models import Base
from db.session import create_engine


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_online() -> None:
    engine = create_engine(config.database_url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(run_online())
