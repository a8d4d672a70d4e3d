"""Query parameters that several controllers take."""

from typing import Annotated

from litestar.params import QueryParameter

UUID_PATTERN = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

ModelId = Annotated[
    str | None,
    QueryParameter(max_length=200, pattern=r"^[A-Za-z0-9_~.:/-]+$", description="A model's id."),
]
