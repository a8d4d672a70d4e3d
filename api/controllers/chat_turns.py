"""Endpoints to send a chat message, and to follow, stop, regenerate or continue its answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from redis.asyncio import Redis

from api import sse
from api.guards import requires_scope
from api.mappers.chats import message_out, turn_out
from api.middleware.idempotency import IDEMPOTENT
from api.schemas.chat_events import (
    ChatStatusEvent,
    ChatTokenEvent,
    ToolCallEvent,
    ToolResultEvent,
    TurnBegunOut,
    UsageEvent,
)
from api.schemas.chat_messages import ChatMessageOut, ChatProblem, MessageIn, TurnOut
from domain.caller import Caller
from domain.chat.history import siblings
from domain.chat.sessions import ChatMessageNotFound, ChatNotFound, Chats
from domain.chat.turns import ChatTurns, TurnState
from domain.idempotency import Attempt
from domain.infra.live import LiveHub, TurnBegun, publish
from domain.model_runs.event_log import LoggedEvent
from domain.model_runs.progress import ProgressReader

STARTS_TURN: dict[str, Any] = {IDEMPOTENT: True, "refusals": [402]}


ANSWER_EXAMPLE = (
    sse.OPENING
    + b"".join(
        sse.event(name, data, event_id)
        for name, data, event_id in (
            ("status", ChatStatusEvent.example(), "1763629260000-0"),
            ("tool_call", ToolCallEvent.example(), "1763629261000-0"),
            ("tool_result", ToolResultEvent.example(), "1763629261000-1"),
            ("token", ChatTokenEvent.example(), "1763629262000-0"),
            ("usage", UsageEvent.example(), "1763629263000-0"),
            ("message", ChatMessageOut.example(), "1763629264000-0"),
        )
    )
).decode()
TURNS_EXAMPLE = (sse.OPENING + sse.event("turn", TurnBegunOut.example()) + sse.PING).decode()


class ChatTurnController(Controller):
    path = "/api/chats/{chat_id:uuid}"
    tags = ("Chats",)
    guards = (requires_scope("chat"),)

    @post("/messages", operation_id="SendMessage", status_code=202, opt=STARTS_TURN)
    async def send(
        self,
        chat_id: FromPath[UUID],
        data: JSONBody[MessageIn],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
        attempt: NamedDependency[Attempt],
        redis: NamedDependency[Redis],
    ) -> Response[TurnOut]:
        """Say something; follow `stream_url` to watch the answer being written.

        One answer is written at a time: meanwhile this is refused with 409. Send an
        `Idempotency-Key` so that a double click or a retry says it once, not twice.
        """
        state = await turns.send(caller, chat_id, data.text, edit_of=data.edit_of, attempt=attempt)
        return _accepted(state, redis)

    @post(
        "/messages/{message_id:uuid}/regenerate",
        operation_id="RegenerateMessage",
        status_code=202,
        opt=STARTS_TURN,
    )
    async def regenerate(
        self,
        chat_id: FromPath[UUID],
        message_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
        attempt: NamedDependency[Attempt],
        redis: NamedDependency[Redis],
    ) -> Response[TurnOut]:
        """Have the question of an answer answered once more, in a branch beside it."""
        return _accepted(await turns.regenerate(caller, chat_id, message_id, attempt), redis)

    @post(
        "/messages/{message_id:uuid}/continue",
        operation_id="ContinueMessage",
        status_code=202,
        opt=STARTS_TURN,
    )
    async def continue_answer(
        self,
        chat_id: FromPath[UUID],
        message_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
        attempt: NamedDependency[Attempt],
        redis: NamedDependency[Redis],
    ) -> Response[TurnOut]:
        """Have an answer that was stopped, interrupted or failed go on where it ended."""
        return _accepted(await turns.continue_answer(caller, chat_id, message_id, attempt), redis)

    @delete(
        "/turns/current",
        operation_id="StopAnswer",
        status_code=200,
        opt={"refusals": [409]},
    )
    async def stop(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        turns: NamedDependency[ChatTurns],
    ) -> TurnOut:
        """Stop the answer being written, from wherever; what was said of it is kept."""
        return turn_out(await turns.stop(caller, chat_id))

    @get(
        "/stream",
        operation_id="FollowChat",
        media_type=sse.MEDIA_TYPE,
        responses={204: ResponseSpec(None, description="There is nothing more to see.")},
        opt={"examples": {sse.MEDIA_TYPE: ANSWER_EXAMPLE}},
    )
    async def follow(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        turn_events: NamedDependency[ProgressReader[Any]],
        last_event_id: sse.LastEventId = None,
    ) -> Response[Any]:
        """Watch the last answer being written, as server-sent events with ids.

        `status` says how far it is, `token` carries the next piece and where it belongs,
        `tool_call` and `tool_result` what is looked up, `usage` what it costs so far; `message`
        with the whole answer, or `error`, ends it. Send the last id seen as `Last-Event-ID` to go
        on after it.
        """
        turn = (await chats.get(caller, chat_id)).last_turn
        if turn is None or await turn_events.is_finished(turn.id, last_event_id):
            return Response(None, status_code=204)
        return sse.stream(_events(turn_events, chats, caller, chat_id, turn.id, last_event_id))

    @get(
        "/live",
        operation_id="FollowTurns",
        media_type=sse.MEDIA_TYPE,
        opt={"examples": {sse.MEDIA_TYPE: TURNS_EXAMPLE}},
    )
    async def live(
        self,
        chat_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        chats: NamedDependency[Chats],
        live: NamedDependency[LiveHub],
    ) -> Stream:
        """Hear of every answer that is asked for in this chat, from wherever; without an end.

        `turn` names it; the first one is the latest there is. `stream_url` of the chat shows what
        is written.
        """
        await chats.get(caller, chat_id)
        return sse.stream(_turns(live, chats, caller, chat_id))


def _accepted(state: TurnState, redis: Redis) -> Response[TurnOut]:
    """The response with the turn, which is then announced to other pages with the chat open."""
    chat_id = state.chat.session.id
    begun: Any = TurnBegun(chat_id, state.turn.id)
    return Response(
        turn_out(state),
        status_code=202,
        headers={"Location": f"/api/chats/{chat_id}"},
        background=BackgroundTask(publish, redis, begun),
    )


async def _turns(
    live: LiveHub, chats: Chats, caller: Caller, chat_id: UUID
) -> AsyncGenerator[bytes | None]:
    async with live.listen(chat_id) as queue:
        # The last turn is read after subscribing, so that no turn is missed.
        with suppress(ChatNotFound):
            if turn := (await chats.get(caller, chat_id)).last_turn:
                yield sse.event("turn", TurnBegunOut(turn.id))
        async with aclosing(sse.items_of(queue)) as events:
            async for event in events:
                if event is None:
                    yield None
                elif isinstance(event, TurnBegun):
                    yield sse.event("turn", TurnBegunOut(event.turn_id))


async def _events(
    turn_events: ProgressReader[Any],
    chats: Chats,
    caller: Caller,
    chat_id: UUID,
    turn_id: UUID,
    after: str | None,
) -> AsyncGenerator[bytes | None]:
    async with aclosing(turn_events.follow(turn_id, after)) as events:
        async for event in events:
            yield await _sse_event(event, chats, caller, chat_id, turn_id) if event else None


async def _sse_event(
    event: LoggedEvent, chats: Chats, caller: Caller, chat_id: UUID, turn_id: UUID
) -> bytes:
    """One event as bytes; the last one contains the stored answer."""
    if event.name not in {"message", "error"}:
        return sse.event(event.name, event.data, event.id)
    gone = ChatProblem("gone", "This chat is gone.")
    try:
        chat = await chats.get(caller, chat_id)
        turn = next(turn for turn in chat.turns if turn.id == turn_id)
        answer = chat.message(turn.answer_id)
    except (ChatNotFound, ChatMessageNotFound, StopIteration):
        return sse.event("error", gone, event.id)
    out = message_out(answer, chat, siblings(chat.messages)[answer.id])
    if event.name == "error":
        return sse.event("error", out.problem or gone, event.id)
    return sse.event("message", out, event.id)
