"""The path to which a buyer returns after paying; only pages with a chat are accepted."""

import re
from urllib.parse import parse_qs, quote, urlsplit

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
RETURN_PATH = re.compile(rf"/chat(?:/{ID}|\?about={ID})?|/f/{ID}")


def safe_return_path(path: str) -> str:
    """The path if it is that of a page with a chat, else empty; the argument is untrusted."""
    return path if RETURN_PATH.fullmatch(path) else ""


def return_path_in(address: str) -> str:
    """The return path in an address of `/pricing`."""
    try:
        fields = parse_qs(urlsplit(address).query)
    except ValueError:
        return ""
    return safe_return_path(fields.get("back", [""])[-1])


def pricing_href(return_path: str) -> str:
    """The address of `/pricing` with this return path."""
    return f"/pricing?back={quote(return_path, safe='/')}"
