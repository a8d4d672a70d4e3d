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
    """The generation if it has ended, which a lost stream cannot say."""
    try:
        known = await api.generation(generation_id)
    except ApiProblem as lost:
        log.info("The generation %s could not be read: %s", generation_id, lost)
        return None
    return None if known.status in RUNNING_STATUSES else known


def to_update(
    event: ServerSentEvent,
) -> FactoidOut | GenerationProblem | StatusEvent | TokenEvent | None:
    """What an event of a generation's stream says; None for those that only keep it open."""
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
