"""Amounts are whole numbers of a currency's smallest unit, and what that is depends on it.

Source: https://docs.stripe.com/currencies
"""

from decimal import Decimal

ZERO_DECIMAL = {
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
    *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
}
THREE_DECIMAL = {"bhd", "jod", "kwd", "omr", "tnd"}
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
LEAST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}
"""The least that can be charged, in smallest units, where it is not 1."""

DELAYED = {
    "usd": "us_bank_account",
    "eur": "sepa_debit",
    "gbp": "bacs_debit",
    "jpy": "konbini",
}
"""A way to pay whose money comes days later."""


def decimals(currency: str) -> int:
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def written(amount: int, currency: str) -> str:
    """`$5.00` or `¥900`."""
    number = f"{Decimal(amount).scaleb(-decimals(currency)):,.{decimals(currency)}f}"
    sign = SIGNS.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency.upper()}"
