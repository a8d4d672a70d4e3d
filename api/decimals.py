"""JSON output of small decimals without an exponent: 0.00000002, not 2E-8."""

from decimal import Decimal
from typing import Any, overload

SMALL = Decimal("0.000001")
"""Below this, Python and msgspec write an exponent."""


class PlainDecimal(Decimal):
    """A decimal that is written without an exponent.

    msgspec encodes only `Decimal` itself, not subclasses, so encoders need `encode_decimal`.
    """

    def __str__(self) -> str:
        return format(self, "f")


@overload
def plain_decimal(amount: Decimal) -> Decimal: ...
@overload
def plain_decimal(amount: Decimal | None) -> Decimal | None: ...
def plain_decimal(amount: Decimal | None) -> Decimal | None:
    """The amount, as a `PlainDecimal` if it would be written with an exponent."""
    return amount if amount is None or amount >= SMALL else PlainDecimal(amount)


def encode_decimal(value: Any) -> str:
    """The `enc_hook` of msgspec encoders."""
    if isinstance(value, PlainDecimal):
        return str(value)
    raise NotImplementedError
