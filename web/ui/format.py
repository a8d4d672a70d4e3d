"""Times, amounts and addresses as pages show them."""

from datetime import UTC, datetime
from decimal import Decimal


def format_datetime(at: datetime) -> str:
    """A moment in UTC.

    >>> format_datetime(datetime(2026, 12, 1, 7, 5, tzinfo=UTC))
    '1 December 2026, 07:05 UTC'
    """
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def format_date(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def format_cost(usd: Decimal) -> str:
    """A price in dollars or cents; most factoids cost less than a cent.

    >>> format_cost(Decimal("0.00051"))
    '0.051 US cents'
    """
    if usd == 0:
        return "nothing"
    if usd >= 1:
        return f"${usd:.2f}"
    return f"{(usd * 100).normalize().quantize(Decimal('0.001')):f} US cents"


def format_usd(usd: Decimal) -> str:
    """An amount in dollars with two significant digits.

    >>> format_usd(Decimal("0.00042137")), format_usd(Decimal("1.5")), format_usd(Decimal(0))
    ('$0.00042', '$1.50', '$0')
    """
    if usd == 0:
        return "$0"
    if usd >= Decimal("0.1"):
        return f"${usd:.2f}"
    digits = 1 - usd.adjusted()
    return f"${usd:.{digits}f}"


def format_duration(seconds: float) -> str:
    """An approximate duration.

    >>> format_duration(0.4), format_duration(12.3), format_duration(100)
    ('a second', '12 seconds', '2 minutes')
    """
    if seconds < 1.5:
        return "a second"
    if seconds < 90:
        return f"{round(seconds)} seconds"
    return f"{round(seconds / 60)} minutes"


def safe_href(address: str | None) -> str:
    """The address if it is an HTTP one, else an empty string: a link must never run a script."""
    return address if address and address.startswith(("https://", "http://")) else ""
