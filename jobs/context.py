"""The context that SAQ passes to every job."""

from typing import TypedDict

from saq import Job

from jobs.services import WorkerServices


class WorkerContext(TypedDict):
    services: WorkerServices
    job: Job
