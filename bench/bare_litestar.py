"""Ceiling (a): Litestar and nothing else, answering static bodies as long as the product's."""

import os
from typing import Any

from litestar import Litestar, MediaType, Request, get, put

SIZES = {
    name: int(size)
    for name, _, size in (pair.partition("=") for pair in os.environ["BODY_SIZES"].split(","))
}


def _body(operation: str) -> bytes:
    return b'"%b"' % (b"x" * (SIZES[operation] - 2))


FEED, ONE, SEARCH, VOTE = map(_body, ("feed", "one", "search", "vote"))


@get("/feed", media_type=MediaType.JSON)
async def feed() -> bytes:
    return FEED


@get("/one/{factoid_id:uuid}", media_type=MediaType.JSON)
async def one() -> bytes:
    return ONE


@get("/search", media_type=MediaType.JSON)
async def search() -> bytes:
    return SEARCH


@put("/vote/{factoid_id:uuid}", media_type=MediaType.JSON)
async def vote(request: Request[Any, Any, Any]) -> bytes:
    await request.body()
    return VOTE


app = Litestar([feed, one, search, vote], openapi_config=None, logging_config=None)
