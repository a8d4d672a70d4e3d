"""The choice to generate a factoid on payment, read from and written to `/pricing`'s address."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

MAX_TOPIC_LENGTH, MAX_MODEL_LENGTH = 120, 200


@dataclass(frozen=True)
class GenerateOnPayment:
    """Whether to generate a factoid on payment, and its topic and model."""

    enabled: bool = False
    topic: str = ""
    model: str = ""

    @classmethod
    def from_address(cls, address: str) -> "GenerateOnPayment":
        try:
            fields = parse_qs(urlsplit(address).query)
        except ValueError:
            return cls()
        topic, model = (fields.get(name, [""])[-1].replace("\0", "") for name in ("topic", "model"))
        topic, model = topic.strip()[:MAX_TOPIC_LENGTH], model.strip()[:MAX_MODEL_LENGTH]
        return cls(bool(topic or model or "write" in fields), topic, model)

    @property
    def href(self) -> str:
        """The address of the pricing page with these choices."""
        if not self.enabled:
            return "/pricing"
        query_fields = {"topic": self.topic, "model": self.model}
        query = urlencode({name: value for name, value in query_fields.items() if value})
        return f"/pricing?{query or 'write=yes'}"
