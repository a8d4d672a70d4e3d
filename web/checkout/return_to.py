"""Where a buyer was asking something, to be led back there: only pages that have a chat's box."""

import re
from urllib.parse import parse_qs, quote, urlsplit

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PLACE = re.compile(rf"/chat(?:/{ID}|\?about={ID})?|/f/{ID}")


def known_place(path: str) -> str:
    """The path, if it is one of these; anything else a browser may have kept is nothing."""
    return path if PLACE.fullmatch(path) else ""


def way_back(address: str) -> str:
    """Where the address of the prices says that its reader comes from."""
    try:
        given = parse_qs(urlsplit(address).query)
    except ValueError:
        return ""
    return known_place(given.get("back", [""])[-1])


def prices_from(place: str) -> str:
    """The prices, for who comes from there."""
    return f"/pricing?back={quote(place, safe='/')}"
