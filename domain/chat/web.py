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

SEARCH_WITHIN_S = 10
ANSWER_BYTES_AT_MOST = 300_000

log = structlog.get_logger()


class WebPage(msgspec.Struct):
    title: str
    url: str
    content: str = ""


class _Answer(msgspec.Struct):
    results: list[WebPage] = []


class WebSearchFailed(Exception):
    """It found nothing out; the agent is told so."""

    def __init__(self, *, billed: bool) -> None:
        super().__init__()
        self.billed = billed
        """Whether it may have to be paid for all the same."""


class SearchesWeb(Protocol):
    async def find(self, query: str, most: int) -> list[WebPage]: ...


class _Refused(httpx.HTTPError):
    """The service has answered that it did not search."""


class WebSearch:
    def __init__(self, *, base_url: str, api_key: str, price_usd: Decimal) -> None:
        self._address = f"{base_url.rstrip('/')}/search"
        self._api_key = api_key
        self.price_usd = price_usd
        """Of one search, in US dollars. No answer says what it has cost."""

    async def find(self, query: str, most: int) -> list[WebPage]:
        """Pages on a question, the best first.

        Raises:
            WebSearchFailed: The service is away, refuses or answers what cannot be read.
        """
        try:
            async with asyncio.timeout(SEARCH_WITHIN_S):
                return (await self._ask(query, most))[:most]
        except (TimeoutError, httpx.HTTPError, msgspec.MsgspecError, RecursionError) as error:
            log.warning("web_search_failed", error=type(error).__name__)
            unbilled = isinstance(error, _Refused | httpx.ConnectError | httpx.ConnectTimeout)
            raise WebSearchFailed(billed=not unbilled) from error

    async def _ask(self, query: str, most: int) -> list[WebPage]:
        asked = {"query": query, "max_results": most, "search_depth": "basic"}
        headers = {"Authorization": f"Bearer {self._api_key}", "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(timeout=SEARCH_WITHIN_S, follow_redirects=False) as client,
            client.stream("POST", self._address, json=asked, headers=headers) as response,
        ):
            if response.status_code != 200:
                raise _Refused(f"answered {response.status_code}")
            body = b""
            # Raw, as it was asked for: nothing that is packed can grow here.
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > ANSWER_BYTES_AT_MOST:
                    raise httpx.HTTPError("answered too much")
        return msgspec.json.decode(body, type=_Answer).results


def open_web_search(settings: Settings) -> WebSearch | None:
    """The service, if there is a key for it."""
    if not settings.tavily_api_key:
        return None
    return WebSearch(
        base_url=settings.tavily_base_url,
        api_key=settings.tavily_api_key,
        price_usd=settings.tavily_search_usd,
    )
