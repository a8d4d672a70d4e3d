"""The agent's tools, all of which only read."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta

from db.repositories.factoids import FactoidCard
from domain.chat.sources import Source, Sources
from domain.chat.web import WebSearcher, WebSearchFailed
from domain.errors import DomainError
from domain.factoids.categories import Category
from domain.factoids.service import FactoidNotFound, FactoidQuery, FactoidService
from domain.llm.fencing import fenced
from domain.llm.tool_calls import ToolCall
from domain.spending.budget import BudgetUsedUp
from domain.text import clean
from settings.validation_messages import humanize

CALLS_AT_MOST = 8
"""Of all tools in one turn."""

WEB_SEARCHES_AT_MOST = 2
"""Of one turn; each is paid for."""

RESULT_BYTES = 4_000
"""What the result of one call may add to the prompt."""

EXCERPT_LENGTH = 600
TOOL_TIMEOUT_S = 12

log = structlog.get_logger()


class SearchFactoids(msgspec.Struct, forbid_unknown_fields=True):
    """Search the facts of this site by words."""

    query: Annotated[str, Meta(min_length=1, max_length=200, description="A few words.")]
    limit: Annotated[int, Meta(ge=1, le=5)] = 5


class GetFactoid(msgspec.Struct, forbid_unknown_fields=True):
    """Read one fact of this site by its id."""

    factoid_id: UUID


class RelatedFactoids(msgspec.Struct, forbid_unknown_fields=True):
    """Find facts of this site that are like one of them."""

    factoid_id: UUID
    limit: Annotated[int, Meta(ge=1, le=5)] = 3


class WebSearchArguments(msgspec.Struct, forbid_unknown_fields=True):
    """Search the web for pages on a question."""

    query: Annotated[str, Meta(min_length=1, max_length=300)]
    max_results: Annotated[int, Meta(ge=1, le=5)] = 5


ARGUMENTS: dict[str, type[msgspec.Struct]] = {
    "search_factoids": SearchFactoids,
    "get_factoid": GetFactoid,
    "related_factoids": RelatedFactoids,
    "web_search": WebSearchArguments,
}


def schemas(*, web: bool) -> list[dict[str, Any]]:
    """The tools as they are described to a model; `web_search` only where there is one."""
    names = [name for name in ARGUMENTS if web or name != "web_search"]
    _, parts = msgspec.json.schema_components([ARGUMENTS[name] for name in names])
    tools: list[dict[str, Any]] = []
    for name in names:
        schema = {k: v for k, v in parts[ARGUMENTS[name].__name__].items() if k != "title"}
        described = {"name": name, "description": schema.pop("description")}
        tools.append({"type": "function", "function": described | {"parameters": schema}})
    return tools


@dataclass
class ToolResult:
    """The result of one call, for the model as data and for the reader in a few words."""

    content: str
    ok: bool
    summary: str
    sources: list[Source] = field(default_factory=list[Source])


class Toolbox:
    """The tools of one turn, and how often they were called."""

    def __init__(self, factoids: FactoidService, web: WebSearcher | None, sources: Sources) -> None:
        self._factoids = factoids
        self._web = web
        self._sources = sources
        self._made: set[tuple[str, str]] = set()
        self._calls = self._web_searches = 0
        self._run: dict[str, Callable[[Any], Awaitable[ToolResult]]] = {
            "search_factoids": self._search,
            "get_factoid": self._get,
            "related_factoids": self._related,
            "web_search": self._search_web,
        }
        self.schemas = schemas(web=web is not None)

    @property
    def used_up(self) -> bool:
        return self._calls >= CALLS_AT_MOST

    async def call(self, call: ToolCall) -> ToolResult:
        """Make a call as a model wrote it; whatever it wrote, it gets a result."""
        self._calls += 1
        if self._calls > CALLS_AT_MOST:
            return _refused("You have used your tools often enough. Answer now.")
        kind = ARGUMENTS.get(call.name)
        if kind is None or (call.name == "web_search" and self._web is None):
            return _refused("There is no such tool here. Answer without it.", "No such tool")
        try:
            arguments = msgspec.json.decode(call.arguments or "{}", type=kind)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            wrong = humanize(str(error))
            return _refused(f"The arguments cannot be used: one {wrong}", "Unusable arguments")
        made = (call.name, str(arguments))
        if made in self._made:
            return _refused("You asked just that before; see above. Answer now.", "Asked before")
        self._made.add(made)
        try:
            async with asyncio.timeout(TOOL_TIMEOUT_S):
                return await self._run[call.name](arguments)
        except (DomainError, TimeoutError, OSError) as error:
            log.warning("tool_failed", tool=call.name, error=type(error).__name__)
            return _refused("That did not work just now. Answer without it.", "Did not work")

    async def _search(self, arguments: SearchFactoids) -> ToolResult:
        found = await self._factoids.page(
            FactoidQuery(q=arguments.query, limit=arguments.limit), None
        )
        return self._factoids_found(found.items)

    async def _get(self, arguments: GetFactoid) -> ToolResult:
        try:
            card = await self._factoids.get_factoid(arguments.factoid_id, None)
        except FactoidNotFound:
            return _refused("There is no such factoid.", "No such factoid")
        return self._factoids_found([card])

    async def _related(self, arguments: RelatedFactoids) -> ToolResult:
        try:
            card = await self._factoids.get_factoid(arguments.factoid_id, None)
        except FactoidNotFound:
            return _refused("There is no such factoid.", "No such factoid")
        wanted = arguments.limit + 1
        similar = (
            await self._factoids.page(FactoidQuery(q=card.subject, limit=wanted), None)
        ).items
        if len(similar) < wanted:
            near = FactoidQuery(sort="top", category=Category(card.category), limit=wanted)
            known = {card.id for card in similar}
            more = (await self._factoids.page(near, None)).items
            similar = [*similar, *(card for card in more if card.id not in known)]
        others = [found for found in similar if found.id != card.id]
        return self._factoids_found(others[: arguments.limit])

    async def _search_web(self, arguments: WebSearchArguments) -> ToolResult:
        self._web_searches += 1
        if self._web is None or self._web_searches > WEB_SEARCHES_AT_MOST:
            return _refused("No more web searches for this answer. Answer now.")
        try:
            pages = await self._web.find(arguments.query, arguments.max_results)
        except BudgetUsedUp:
            return _refused(
                "There is no money left today to search the web. Say so.", "No money left for it"
            )
        except WebSearchFailed:
            return _refused("The web cannot be searched just now. Say so.", "Web search failed")
        data: list[dict[str, Any]] = []
        sources: list[Source] = []
        for page in pages:
            if source := self._sources.web(page.title, page.url):
                sources.append(source)
                text = clean(page.content)[:EXCERPT_LENGTH]
                data.append({"source": source.number, "title": source.title, "text": text})
        return _found(data, sources, "page")

    def _factoids_found(self, cards: Sequence[FactoidCard]) -> ToolResult:
        sources = [self._sources.factoid(card.id, card.subject) for card in cards]
        data: list[dict[str, Any]] = [
            {"source": source.number, "factoid_id": str(card.id), "text": card.text}
            for source, card in zip(sources, cards, strict=True)
        ]
        return _found(data, sources, "factoid")


def _found(data: list[dict[str, Any]], sources: list[Source], noun: str) -> ToolResult:
    while data and len(json.dumps(data, ensure_ascii=False).encode()) > RESULT_BYTES:
        data, sources = data[:-1], sources[:-1]
    number = len(data)
    summary = f"Found {number} {noun}{'' if number == 1 else 's'}"
    return ToolResult(_fenced(data), ok=True, summary=summary, sources=sources)


def _refused(reason: str, summary: str = "Not used") -> ToolResult:
    return ToolResult(_fenced(reason), ok=False, summary=summary)


def _fenced(data: Any) -> str:
    return f"<data>\n{fenced(data)}\n</data>"
