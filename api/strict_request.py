"""Strict parsing of request bodies: from bytes to the type of the handler's `data` in one step."""

import codecs
import json
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException

from domain.errors import Invalid, Malformed
from domain.text import is_text

NOT_TEXT = "This holds something that is no character of a text."

NOT_UTF_8 = "The body must be JSON in UTF-8."


class IncompleteBody(Malformed):
    """The client disconnected before the end of the body, or its chunked encoding is invalid."""

    code = "bad_request"


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is validated strictly.

    Litestar decodes a body to plain values and converts these leniently: it would accept the
    string "1" for the number 1.
    """

    async def body(self) -> bytes:
        """The whole body, at most `request_max_body_size` bytes.

        Raises:
            HTTPException: The body is larger (413).
            IncompleteBody: The body is incomplete, which Litestar reports as an internal error.
        """
        try:
            return await super().body()
        except InternalServerException:
            raise IncompleteBody("This request ended before its body did.") from None

    async def json(self) -> Any:
        """The body as the type of the handler's `data`.

        Raises:
            HTTPException: The content type is not `application/json` (415).
            msgspec.ValidationError: The JSON does not match the schema.
            msgspec.DecodeError: The body is not JSON.
            Malformed: The body is not UTF-8.
            Invalid: A field is repeated, or a string holds characters that are not text.
        """
        if self.content_type[0].lower() != "application/json":
            raise HTTPException(status_code=415)
        field = self.route_handler.parsed_data_field
        body = (await self.body()).removeprefix(codecs.BOM_UTF8)
        if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise Malformed(NOT_UTF_8)
        try:
            decoded = msgspec.json.decode(body, type=field.annotation if field else Any)
        except UnicodeDecodeError:
            raise Malformed(NOT_UTF_8) from None
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            if _has_lone_surrogate_only(body):
                raise Invalid(NOT_TEXT) from None
            raise
        # msgspec accepts repeated fields. Parsing a small, valid body again takes microseconds.
        json.loads(body, object_pairs_hook=_check_fields)
        return decoded


def _has_lone_surrogate_only(body: bytes) -> bool:
    """Whether the body is valid JSON but for a lone surrogate, which Python's parser accepts."""
    try:
        json.loads(body, parse_constant=_refuse_constant)
    except ValueError:
        return False
    return True


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    raise ValueError(name)


def _check_fields(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of an object as a dictionary, if no name is repeated and all strings are text."""
    by_name = dict(fields)
    if len(by_name) != len(fields):
        raise Invalid("Say each field once.")
    for name, value in fields:
        items = value if isinstance(value, list) else [value]
        if not all(is_text(item) for item in items if isinstance(item, str)):
            raise Invalid(NOT_TEXT, field=f"/{name}")
    return by_name
