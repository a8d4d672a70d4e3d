"""The numbered sources of one answer."""

import re
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from domain.text import clean, shorten

TITLE_LENGTH = 200
URL_LENGTH = 1_000

CITATION = re.compile(
    r"\\?[\[【［〔]\s{0,3}"
    r"(?:(?:sources?|references?|refs?|citations?|cite|documents?|docs?|s)[\s_.-]{0,3})?"
    r"[\s:^#]{0,3}"
    r"(\d{1,3}(?:(?:\s{0,3}(?:[,;、，&–—~-]|\.\.\.?|…|\band\b|\bto\b)\s{0,3}|\s{1,3})"
    r"(?:sources?|refs?|cite|docs?)?[\s_:^#]{0,3}\d{1,3}){0,20})"
    r"(?::\d{1,3})?(?:†[^\]】］〕]{0,80})?[\s^.]{0,3}\\?[\]】］〕]",
    re.IGNORECASE,
)
"""As people and models spell them: [1], [2, 3], [1-3], [^1], [Source 1], [cite: 1],
【1†source】. The pages read them in the same way, in `web/chat/markdown_parser.py`."""

NUMBERS = re.compile(r"(\d+)(?:\s*(?:[–—~-]|\.\.\.?|…|to)\s*(\d+))?", re.IGNORECASE)


class Source(msgspec.Struct, frozen=True):
    """Something an answer can cite; the reader opens `url`."""

    number: int
    kind: Literal["factoid", "web"]
    title: str
    url: str
    factoid_id: UUID | None = None


class Sources:
    """Numbers sources in the order they are found; the same source keeps its number."""

    def __init__(self, site_url: str, known: Iterable[dict[str, Any]] = ()) -> None:
        self._site_url = site_url
        self._by_url = {
            source.url: source for source in (msgspec.convert(row, Source) for row in known)
        }

    @property
    def all(self) -> list[Source]:
        return list(self._by_url.values())

    def factoid(self, factoid_id: UUID, title: str) -> Source:
        return self._add("factoid", title, f"{self._site_url}/f/{factoid_id}", factoid_id)

    def web(self, title: str, url: str) -> Source | None:
        """None for an address that readers should not open."""
        if len(url) > URL_LENGTH or not url.isprintable() or " " in url:
            return None
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            return None
        return self._add("web", title or parts.hostname, url, None)

    def cited_in(self, text: str) -> list[Source]:
        """The sources that a text cites by number; all of them when it cites none."""
        named = {number for cited in CITATION.finditer(text) for number in _numbers(cited[1])}
        return [source for source in self.all if source.number in named] or self.all

    def _add(
        self, kind: Literal["factoid", "web"], title: str, url: str, factoid_id: UUID | None
    ) -> Source:
        if url not in self._by_url:
            number = max((source.number for source in self.all), default=0) + 1
            shown = shorten(clean(title), TITLE_LENGTH) or url
            self._by_url[url] = Source(number, kind, shown, url, factoid_id)
        return self._by_url[url]


def _numbers(cited: str) -> list[int]:
    """The numbers in a citation, those within a range included; none in an interval such as 0 to 1,
    or where there are more than anybody cites.
    """
    ranges = [(int(first), int(last or first)) for first, last in NUMBERS.findall(cited)]
    numbers = [number for first, last in ranges for number in range(first, last + 1)]
    return numbers if 0 not in numbers and len(numbers) <= 20 else []
