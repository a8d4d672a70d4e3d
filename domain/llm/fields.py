"""JSON of model servers, read field by field.

Servers that speak one API fill it differently: with null for what is absent, with other types than
documented, with halves of characters. One odd field must not cost the answer around it.
"""

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

TOKENS_AT_MOST = 2**31 - 1

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decode_json(text: str | bytes) -> Any:
    """Decode JSON, also with surrogates that lack their other half; fractions are decimals.

    Raises:
        ValueError, RecursionError: It is not JSON, or nested too deeply.
    """
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(text, parse_float=Decimal)


def encode_json(value: Any) -> bytes:
    """Encode JSON; decimals are numbers, with the digits they were read with."""
    return _ENCODER.encode(value)


class Fields:
    """The fields of a JSON object. A field that is null is absent; one of another type than asked
    for is absent too, and its name is counted in `skipped`.
    """

    def __init__(self, values: Mapping[str, Any], skipped: Counter[str]) -> None:
        self._values = values
        self.skipped = skipped

    def raw(self, name: str) -> Any:
        return self._values.get(name)

    def skip(self, name: str) -> None:
        """Count a field whose value cannot be used."""
        self.skipped[name] += 1

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        self.skip(name)
        return None

    def identifier(self, name: str) -> str | None:
        """A text, also one that is given as a whole number."""
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(name)

    def count(self, name: str) -> int | None:
        """A number of tokens, or a position."""
        number = self.number(name)
        if number is None:
            return None
        if number != number.to_integral_value() or not 0 <= number <= TOKENS_AT_MOST:
            self.skip(name)
            return None
        return int(number)

    def number(self, name: str) -> Decimal | None:
        """A finite number, also one in quotation marks."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool):
            try:
                number = Decimal(value)
            except ArithmeticError:
                number = Decimal("NaN")
            if number.is_finite():
                return number
        self.skip(name)
        return None

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.skip(name)
        return None

    def object(self, name: str) -> "Fields | None":
        value = self._values.get(name)
        if isinstance(value, dict):
            return Fields(value, self.skipped)
        if value is not None:
            self.skip(name)
        return None

    def objects(self, name: str) -> list["Fields"]:
        """The objects of a list; a single object counts as a list of one."""
        value = self._values.get(name)
        if value is None:
            return []
        items: list[Any] = value if isinstance(value, list) else [value]
        found = [Fields(item, self.skipped) for item in items if isinstance(item, dict)]
        if len(found) < len(items):
            self.skip(name)
        return found

    def besides(self, *names: str) -> dict[str, Any]:
        """The other fields, unread."""
        return {name: value for name, value in self._values.items() if name not in names}


class TextJoiner:
    """Joins text that was cut between the two halves of a character; a lone half is dropped."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        """What is complete of the text so far and was not returned before; without NUL, the one
        character that Postgres does not take.
        """
        if piece.isascii() and not self._half:
            return piece.replace("\0", "")
        text, self._half = self._half + piece, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        return joined.replace("\0", "")
