"""Bodies are read strictly, in one step from bytes to the handler's own type."""

import json
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException

from domain.errors import Invalid, Malformed
from domain.text import is_text

NO_TEXT = "This holds something that is no character of a text."


class CutShort(Malformed):
    """The body never came, or not in pieces that can be put together."""

    code = "bad_request"


class StrictRequest(Request[Any, Any, Any]):
    """Litestar reads a body into plain values and then converts those leniently: the text "1"
    would pass for the number.
    """

    async def body(self) -> bytes:
        """All bytes of the body, at most `request_max_body_size`.

        Raises:
            HTTPException: There are more of them (413).
            CutShort: They are not all there, which Litestar takes for an error of ours.
        """
        try:
            return await super().body()
        except InternalServerException:
            raise CutShort("This request ended before its body did.") from None

    async def json(self) -> Any:
        """The body as the type of the handler's `data`.

        Raises:
            HTTPException: It does not say that it is JSON (415).
            msgspec.ValidationError: It is JSON, but not as described.
            msgspec.DecodeError: It is no JSON.
            Invalid: A field is said twice, or what it says is no text.
        """
        if self.content_type[0] != "application/json":
            raise HTTPException(status_code=415)
        field = self.route_handler.parsed_data_field
        body = await self.body()
        try:
            read = msgspec.json.decode(body, type=field.annotation if field else Any)
        except UnicodeDecodeError:
            raise Malformed("The body must be JSON in UTF-8.") from None
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            if _is_json(body):
                raise Invalid(NO_TEXT) from None
            raise
        # A small body by now, that is as described: this costs microseconds.
        json.loads(body, object_pairs_hook=_read_once)
        return read


def _is_json(body: bytes) -> bool:
    """Whether all that is wrong with a body is half a surrogate pair, which Python's own reader
    lets pass.
    """
    try:
        json.loads(body, parse_constant=_no_number)
    except ValueError:
        return False
    return True


def _no_number(said: str) -> None:
    raise ValueError(said)


def _read_once(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(fields)
    if len(read) != len(fields):
        raise Invalid("Say each field once.")
    for name, value in fields:
        said = value if isinstance(value, list) else [value]
        if not all(is_text(one) for one in said if isinstance(one, str)):
            raise Invalid(NO_TEXT, field=f"/{name}")
    return read
