"""Cursors: where a page ended, signed and bound to what was asked for."""

from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from domain.errors import Malformed

VERSION = "1"


class InvalidCursor(Malformed):
    code = "invalid_cursor"


class Cursors:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def write(self, asked: str, place: list[Any]) -> str:
        return str(self._serializer(asked).dumps(place))

    def read(self, asked: str, cursor: str) -> list[Any]:
        """The place a cursor stands for.

        Raises:
            InvalidCursor: It was altered, or made for another question.
        """
        serializer = self._serializer(asked)
        try:
            place = serializer.loads(cursor)
        except BadData:
            place = None
        # Base64 has spare bits: only the spelling we wrote is accepted.
        if not isinstance(place, list) or self.write(asked, place) != cursor:
            raise InvalidCursor(
                "This cursor does not belong to this list. Start again without it.", field="cursor"
            )
        return place

    def _serializer(self, asked: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=f"cursor.{VERSION}.{asked}")
