"""Text of others, shown to a model as data."""

import json
from typing import Any


def fenced(data: Any) -> str:
    """Data as JSON that cannot close its own fence."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
