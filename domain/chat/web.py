"""Searching the web with Tavily.

Source: Tavily API reference, `POST /search`.
"""

import asyncio
from decimal import Decimal
from typing import Protocol

import httpx
import msgspec
import structlog

from settings import Settings

SEARCH_TIMEOUT_S = 10
RESPONSE_BYTES_AT_MOST = 300_000

log = structlog.get_logger()


class WebPage(msgspec.Struct):
    title: str
    url: str
    content: str = ""


class _SearchResponse(msgspec.Struct):
    results: list[WebPage] = []


class WebSearchFailed(Exception):
    """There is no result; the agent is told so."""

    def __init__(self, *, billed: bool) -> None:
        super().__init__()
        self.billed = billed
        """Whether it may have been billed nevertheless."""


class WebSearcher(Protocol):
    async def find(self, query: str, most: int) -> list[WebPage]: ...


class _Refused(httpx.HTTPError):
    """The service has answered with an error instead of a search."""


class WebSearch:
    def __init__(self, *, base_url: str, api_key: str, price_usd: Decimal) -> None:
        self._address = f"{base_url.rstrip('/')}/search"
        self._api_key = api_key
        self.price_usd = price_usd
        """Of one search, in US dollars. The service does not say what a search has cost."""

    async def find(self, query: str, most: int) -> list[WebPage]:
        """Pages on a question, the best first.

        Raises:
            WebSearchFailed: The service is unavailable, refuses, or its response is unreadable.
        """
        try:
            async with asyncio.timeout(SEARCH_TIMEOUT_S):
                return (await self._search(query, most))[:most]
        except (TimeoutError, httpx.HTTPError, msgspec.MsgspecError, RecursionError) as error:
            log.warning("web_search_failed", error=type(error).__name__)
            unbilled = isinstance(error, _Refused | httpx.ConnectError | httpx.ConnectTimeout)
            raise WebSearchFailed(billed=not unbilled) from error

    async def _search(self, query: str, most: int) -> list[WebPage]:
        body = {"query": query, "max_results": most, "search_depth": "basic"}
        headers = {"Authorization": f"Bearer {self._api_key}", "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(timeout=SEARCH_TIMEOUT_S, follow_redirects=False) as client,
            client.stream("POST", self._address, json=body, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise _Refused(f"answered {response.status_code}")
            content = b""
            # Raw, since no compression was accepted: nothing can expand beyond the limit.
            async for piece in response.aiter_raw():
                content += piece
                if len(content) > RESPONSE_BYTES_AT_MOST:
                    raise httpx.HTTPError("the response is too long")
        return msgspec.json.decode(content, type=_SearchResponse).results


def open_web_search(settings: Settings) -> WebSearch | None:
    """The service, if there is a key for it."""
    if not settings.tavily_api_key:
        return None
    return WebSearch(
        base_url=settings.tavily_base_url,
        api_key=settings.tavily_api_key,
        price_usd=settings.tavily_search_usd,
    )
