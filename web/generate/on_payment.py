"""What a buyer wants written as soon as it is paid, as the address of the prices says it."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

TOPIC_LENGTH, MODEL_LENGTH = 120, 200


@dataclass(frozen=True)
class PaidWish:
    """What is to be written as soon as it is paid, as an address says it."""

    wanted: bool = False
    topic: str = ""
    model: str = ""

    @classmethod
    def read(cls, address: str) -> "PaidWish":
        try:
            given = parse_qs(urlsplit(address).query)
        except ValueError:
            return cls()
        topic, model = (given.get(name, [""])[-1].replace("\0", "") for name in ("topic", "model"))
        topic, model = topic.strip()[:TOPIC_LENGTH], model.strip()[:MODEL_LENGTH]
        return cls(bool(topic or model or "write" in given), topic, model)

    @property
    def href(self) -> str:
        """The page with the wish on it."""
        if not self.wanted:
            return "/pricing"
        said = {"topic": self.topic, "model": self.model}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"/pricing?{query or 'write=yes'}"
