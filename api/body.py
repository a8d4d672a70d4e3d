"""Bodies are read strictly, in one step from bytes to the handler's own type."""

from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException


class StrictRequest(Request[Any, Any, Any]):
    """Litestar reads a body into plain values and then converts those leniently: the text "1"
    would pass for the number.
    """

    async def json(self) -> Any:
        """The body as the type of the handler's `data`.

        Raises:
            HTTPException: It does not say that it is JSON (415).
            msgspec.ValidationError: It is JSON, but not as described.
            msgspec.DecodeError: It is no JSON.
        """
        if self.content_type[0] != "application/json":
            raise HTTPException(status_code=415)
        field = self.route_handler.parsed_data_field
        return msgspec.json.decode(await self.body(), type=field.annotation if field else Any)
