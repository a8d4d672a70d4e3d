"""What is asked of each server: real cursors, ids, words and voters, as ready-made requests."""

import http.client
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from api.visitor_cookie import VisitorTokens
from bench.bare_asgi import write_cursor
from dev import ports

COOKIE = "__Host-visitor"
"""What it is called in production, where it only goes by TLS."""
OPERATIONS = ("feed", "one", "search", "vote")
REQUESTS = 4_000
VOTERS = 40_000
SAMPLES = 40
STOP_WORDS = {"against", "because", "before", "between", "during", "having", "should", "through"}


@dataclass(frozen=True)
class Ask:
    """One request, to be sent as it is or by a client."""

    method: str
    path: str
    body: bytes = b""
    cookie: str = ""
    idempotency_key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        headers = {"accept": "application/json"}
        if self.body:
            headers |= {"content-type": "application/json"}
        if self.idempotency_key:
            headers |= {"idempotency-key": self.idempotency_key}
        return headers | ({"cookie": self.cookie} if self.cookie else {})

    def raw(self) -> bytes:
        headers = {"host": "bench", **self.headers}
        if self.body:
            headers["content-length"] = str(len(self.body))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


Asks = dict[str, list[Ask]]
"""By operation."""


class Client:
    """A patient client for everything but load."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=20)

    def ask(self, ask: Ask) -> bytes:
        self._http.request(ask.method, ask.path, body=ask.body or None, headers=ask.headers)
        answer = self._http.getresponse()
        body = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{ask.method} {ask.path} was answered {answer.status}: {body!r}")
        return body

    def read(self, path: str) -> Any:
        return json.loads(self.ask(Ask("GET", path)))


@dataclass(frozen=True)
class Ground:
    """Where the product's own feed leads: every hundredth place of it, ids and texts."""

    cursors: list[str]
    bare_cursors: list[str]
    ids: list[str]
    texts: list[str]


def walk(port: int) -> Ground:
    """Follow the feed to its end by the cursors the product gives."""
    client, ground = Client(port), Ground([], [], [], [])
    page = client.read("/api/factoids?limit=100")
    while page["next_cursor"]:
        last = page["items"][-1]
        ground.cursors.append(page["next_cursor"])
        ground.bare_cursors.append(
            write_cursor(datetime.fromisoformat(last["created_at"]), UUID(last["id"]))
        )
        ground.ids.extend(item["id"] for item in page["items"])
        ground.texts.extend(item["text"] for item in page["items"][:5])
        page = client.read(f"/api/factoids?limit=100&cursor={page['next_cursor']}")
    return ground


def asks(ground: Ground, secret: str, *, seed: int = 11) -> tuple[Asks, Asks, Asks]:
    """The same questions for the product, for (a) and for (b), in the same order."""
    chance, tokens = random.Random(seed), VisitorTokens(secret)
    product, static, bare = ({name: [] for name in OPERATIONS} for _ in range(3))
    for _ in range(REQUESTS):
        place = chance.randrange(len(ground.cursors))
        product["feed"].append(Ask("GET", f"/api/factoids?cursor={ground.cursors[place]}"))
        bare["feed"].append(Ask("GET", f"/feed?cursor={ground.bare_cursors[place]}"))
        factoid_id = chance.choice(ground.ids)
        product["one"].append(Ask("GET", f"/api/factoids/{factoid_id}"))
        bare["one"].append(Ask("GET", f"/one/{factoid_id}"))
        asked = urlencode({"q": _words(chance, ground.texts)})
        product["search"].append(Ask("GET", f"/api/factoids?{asked}"))
        bare["search"].append(Ask("GET", f"/search?{asked}"))
    for asks_of, path in ((product, "/api/factoids/{}/vote"), (bare, "/vote/{}")):
        for _ in range(VOTERS):
            voter = UUID(int=chance.getrandbits(128), version=4)
            cookie = f"{COOKIE}={quote(tokens.write(voter))}"
            body = b'{"value":%d}' % chance.choice((1, 1, 1, -1))
            path_to = path.format(chance.choice(ground.ids))
            asks_of["vote"].append(Ask("PUT", path_to, body, cookie))
    static |= bare
    return product, static, bare


def endless(asked: list[Ask]) -> Iterator[bytes]:
    """The requests as bytes, over and over; it goes on where the last stretch ended."""
    return cycle([ask.raw() for ask in asked])


def sizes(port: int, product: Asks) -> dict[str, int]:
    """The usual length of the product's answers, for (a) to answer as much."""
    client = Client(port)
    return {
        name: sum(len(client.ask(ask)) for ask in product[name][-SAMPLES:]) // SAMPLES
        for name in OPERATIONS
    }


def differing(product_port: int, bare_port: int, product: Asks, bare: Asks) -> list[str]:
    """The reads that (b) answers otherwise than the product, but for the cursor's spelling."""
    theirs, ours = Client(product_port), Client(bare_port)
    return [
        name
        for name in ("feed", "one", "search")
        if any(
            _content(theirs.ask(asked)) != _content(ours.ask(same))
            for asked, same in zip(product[name][:SAMPLES], bare[name][:SAMPLES], strict=True)
        )
    ]


def _content(answer: bytes) -> Any:
    content = json.loads(answer)
    return content.get("items", content)


def _words(chance: random.Random, texts: list[str]) -> str:
    """One or two words of a text, as a reader would remember it."""
    while True:
        said = [word for word in chance.choice(texts).rstrip(".").lower().split() if word.isalpha()]
        telling = [word for word in said if len(word) > 5 and word not in STOP_WORDS]
        if len(telling) > 1:
            return " ".join(chance.sample(telling, chance.choice((1, 2))))
