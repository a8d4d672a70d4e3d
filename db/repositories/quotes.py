"""The costs and durations of recent generation requests."""

from decimal import Decimal
from typing import NamedTuple

from db.reads import Reads

RECENT = 1_000
"""How many of the newest requests count; their ids rise with time."""

MEDIANS = f"""
SELECT model,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY cost_usd)
    FILTER (WHERE settled_at IS NOT NULL AND cost_usd > 0),
  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at))
    FILTER (WHERE status = 'succeeded')
FROM (SELECT model, status, cost_usd, settled_at, created_at, finished_at
  FROM generation_requests ORDER BY id DESC LIMIT {RECENT}) recent
GROUP BY GROUPING SETS ((model), ())
"""


class Medians(NamedTuple):
    """None where there is no such request."""

    cost_usd: Decimal | None
    wait_s: float | None


NOTHING = Medians(None, None)


class QuoteReads:
    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def medians(self) -> dict[str | None, Medians]:
        """By model; None is the key for all models together."""
        rows = await self._reads.fetch(MEDIANS)
        return {model: Medians(cost_usd, wait_s) for model, cost_usd, wait_s in rows}
