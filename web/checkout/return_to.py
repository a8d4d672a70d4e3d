"""Leading a buyer back to the chat in which they were asking; no other address is accepted."""

import re
from urllib.parse import parse_qs, quote, urlsplit

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
RETURN_PATH = re.compile(rf"/chat(?:/{ID}|\?about={ID})?|/f/{ID}")


def safe_return_path(path: str) -> str:
    """The path if it is one of a page with a chat, else empty; a browser may have kept anything."""
    return path if RETURN_PATH.fullmatch(path) else ""


def return_path_in(address: str) -> str:
    """The path to go back to that an address of `/pricing` names."""
    try:
        given = parse_qs(urlsplit(address).query)
    except ValueError:
        return ""
    return safe_return_path(given.get("back", [""])[-1])


def pricing_href(return_path: str) -> str:
    """The address of `/pricing` for a buyer who comes from this path."""
    return f"/pricing?back={quote(return_path, safe='/')}"
