"""The product's services on the connections of the test run."""

from typing import Any

from msgspec.structs import replace
from redis.asyncio import Redis

from db.session import Database
from jobs.services import WorkerServices
from tests.configuration import settings


def services_on(database: Database, redis: Redis, **changes: Any) -> WorkerServices:
    """Services of a process of its own, with these settings changed."""
    services = WorkerServices(replace(settings, **changes))
    services.database = database
    services.redis = services.limits_redis = redis
    return services
