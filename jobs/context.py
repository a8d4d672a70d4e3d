"""What SAQ hands to every job."""

import asyncio
from typing import Any, TypedDict

from jobs.services import WorkerServices


class WorkerContext(TypedDict):
    services: WorkerServices
    relay: "asyncio.Task[None]"
    starting: "asyncio.Task[None]"
    reconciling: "asyncio.Task[None]"
    job: Any
    """The SAQ job that is running; absent when a command calls the function."""
