"""Reading the stream of a generation."""

import logging
from uuid import UUID

from httpx_sse import ServerSentEvent

from api.schemas.factoids import FactoidOut
from api.schemas.generation import GenerationOut, GenerationProblem, StatusEvent, TokenEvent
from web.client.api import ApiClient, ApiProblem, read_event

RUNNING_STATUSES = ("queued", "running")

log = logging.getLogger(__name__)


async def ended_generation(api: ApiClient, generation_id: UUID) -> GenerationOut | None:
    """The generation if it has ended, for use after a stream was lost; else None."""
    try:
        generation = await api.generation(generation_id)
    except ApiProblem as problem:
        log.info("The generation %s could not be read: %s", generation_id, problem)
        return None
    return None if generation.status in RUNNING_STATUSES else generation


def to_update(
    event: ServerSentEvent,
) -> FactoidOut | GenerationProblem | StatusEvent | TokenEvent | None:
    """The data of an event of a generation's stream; None for events that only keep it open."""
    match event.event:
        case "factoid":
            return read_event(event, FactoidOut)
        case "error":
            return read_event(event, GenerationProblem)
        case "status":
            return read_event(event, StatusEvent)
        case "token":
            return read_event(event, TokenEvent)
        case _:
            return None
