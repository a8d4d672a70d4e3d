"""Messages of msgspec's validation errors without the names of Python's types.

In this package because settings and the API's problems both need them.
"""

import re

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object with named fields",
    "null": "nothing",
    "uuid": "an id",
    "datetime": "a moment like 2026-11-20T09:00:00Z",
    "date": "a date like 2026-11-20",
}
GENERIC_MESSAGE = "cannot be used as it is written."

_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_BOUND = re.compile(r"Expected `(?:int|float|decimal)` (<=|>=|<|>) (\S+)")
_LENGTH = re.compile(r"Expected `(\w+)` of length (<=|>=) (\d+)")
_WRITTEN = re.compile(r"Invalid (?:RFC3339 encoded )?(\w+)")
_LIMITS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}


def humanize(reason: str) -> str:
    """Turn the reason of a `msgspec.ValidationError` into a phrase: "must be …"."""
    if found := _TYPE.match(reason):
        wanted = [kind for kind in found[1].split(" | ") if kind != "null"]
        return f"must be {_either(wanted)}, not {_kind(found[2])}."
    if found := _BOUND.match(reason):
        return f"must be {_LIMITS[found[1]]} {found[2].removesuffix('.0')}."
    if found := _LENGTH.match(reason):
        what = "entries" if found[1] == "array" else "characters"
        return f"must have {_LIMITS[found[2]]} {int(found[3]):,} {what}."
    if reason.startswith("Invalid enum value"):
        return "must be one of the values listed for it."
    if (found := _WRITTEN.match(reason)) and found[1].lower() in KINDS:
        return f"must be {_kind(found[1].lower())}."
    return GENERIC_MESSAGE


def _kind(name: str) -> str:
    return KINDS.get(name, "what it is")


def _either(names: list[str]) -> str:
    return " or ".join(_kind(name) for name in names)
