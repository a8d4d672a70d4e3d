"""Step-up verification: who must pass a captcha before the next generation."""

from redis.asyncio import Redis

from domain.caller import Caller
from domain.errors import Forbidden, Unavailable
from domain.limits.anomalies import Anomalies
from domain.limits.captcha import Captcha, Challenge, Proof
from domain.limits.rate_limit import Reason

WINDOW_S = 3_600
ACTION = "generate"


class CaptchaRequired(Forbidden):
    code = "captcha_required"
    reason: Reason = "captcha"

    def __init__(self, detail: str, captcha: Challenge) -> None:
        super().__init__(detail)
        self.captcha = captcha


class CaptchaAway(Unavailable):
    code = "captcha_unavailable"
    reason: Reason = "captcha_away"


class StepUp:
    """Requires a captcha of visitors after a number of refusals to them or their network, and while
    they are suspicious.

    API keys never need one: they have limits of their own.
    """

    def __init__(
        self, redis: Redis, captcha: Captcha | None, anomalies: Anomalies, *, after_refusals: int
    ) -> None:
        self._redis = redis
        self._captcha = captcha
        self._anomalies = anomalies
        self._after = after_refusals

    async def count_refusal(self, caller: Caller) -> None:
        """Count that this caller was rate limited."""
        if self._captcha and caller.kind == "visitor":
            async with self._redis.pipeline(transaction=True) as counting:
                for name in _names(caller):
                    counting.incr(name)
                    counting.expire(name, WINDOW_S, nx=True)
                await counting.execute()

    async def challenge(self, caller: Caller) -> Challenge | None:
        """The captcha the caller needs for the next generation; None when none."""
        if not self._captcha or caller.kind != "visitor":
            return None
        return self._captcha.challenge if await self._suspicious(caller) else None

    async def check(self, caller: Caller, proof: Proof | None) -> None:
        """Pass callers who need no captcha or bring a valid proof.

        Raises:
            CaptchaRequired: The proof is missing, invalid, from another site or used before.
            CaptchaAway: The captcha service is away: only generating is refused meanwhile.
        """
        challenge = await self.challenge(caller)
        if not challenge or not self._captcha:
            return
        if proof is None:
            raise CaptchaRequired(
                "That was a lot. Please show us that you are no machine.", challenge
            )
        verdict = await self._captcha.verify(proof.token, proof.address, ACTION)
        if verdict == "unavailable":
            raise CaptchaAway(
                "We cannot tell people from machines right now, so nothing new is written for "
                "a moment. Reading, voting and searching go on."
            )
        if verdict == "fail":
            raise CaptchaRequired("That did not work. Please try the check once more.", challenge)
        await self._redis.delete(*_names(caller))
        await self._anomalies.forgive(caller)

    async def _suspicious(self, caller: Caller) -> bool:
        counts = await self._redis.mget(_names(caller))
        if any(int(count or 0) >= self._after for count in counts):
            return True
        return await self._anomalies.suspicious(caller)


def _names(caller: Caller) -> list[str]:
    """The counters of the visitor and of their network, so that a new cookie does not help."""
    return [f"captcha:refusals:{subject}" for subject in (caller.id, caller.network) if subject]
