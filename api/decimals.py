"""Small decimals as people write them: 0.00000002, not 2E-8."""

from decimal import Decimal
from typing import Any, overload

SMALL = Decimal("0.000001")
"""From here on down Python, and with it msgspec, writes an exponent."""


class PlainDecimal(Decimal):
    """One without an exponent. msgspec writes by itself only what is a decimal and nothing more,
    so each encoder of answers is told how this is written.
    """

    def __str__(self) -> str:
        return format(self, "f")


@overload
def plain_decimal(amount: Decimal) -> Decimal: ...
@overload
def plain_decimal(amount: Decimal | None) -> Decimal | None: ...
def plain_decimal(amount: Decimal | None) -> Decimal | None:
    """The same amount, to be written without an exponent."""
    return amount if amount is None or amount >= SMALL else PlainDecimal(amount)


def written(value: Any) -> str:
    """For msgspec, of what it cannot write itself."""
    if isinstance(value, PlainDecimal):
        return str(value)
    raise NotImplementedError
