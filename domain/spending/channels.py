"""The channels of alerts: the log, e-mail, Slack and PostHog; all but the log need settings."""

import asyncio
import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
import structlog

from db.models import BudgetAlert
from settings import Settings

WITHIN_S = 20
"""Timeout of a channel."""

POT_NAMES = {
    "global": "all spending",
    "tier:visitor": "visitors",
    "tier:key": "API keys",
    "scheduled": "the schedule",
    "payments": "payments",
}
TITLES = {
    "half": "Half of today's budget for {name} is used",
    "soft": "80 % of today's budget for {name} is used",
    "hard": "Today's budget for {name} is used up: requests are refused until midnight UTC",
    "projected": "At this pace today's budget for {name} will not last until midnight UTC",
    "unusual": "Today's spending is over three times the mean of the last seven days",
    "beyond_quote": "A provider charged more than its listed price allows",
    "payments_differ": "Payments differ from Stripe's figures; `jobs check_payments` names them",
}
WITHOUT_AMOUNTS = {"payments_differ"}
"""Levels that are not about spending."""

log = structlog.get_logger()


class ChannelFailed(Exception):
    """The channel did not accept an alert. It can be sent again."""


class Channel(Protocol):
    async def send(self, alert: BudgetAlert) -> None:
        """Raises: ChannelFailed: It was not accepted."""
        ...


def title(alert: BudgetAlert) -> str:
    return TITLES[alert.level].format(name=POT_NAMES[alert.pot])


def message(alert: BudgetAlert) -> str:
    if alert.level in WITHOUT_AMOUNTS:
        return f"{title(alert)} ({alert.day} UTC)."
    figures = f"{alert.used_usd:.6f} of {alert.limit_usd:.6f} US dollars"
    return f"{title(alert)} ({figures}, {alert.day} UTC)."


def alert_id(alert: BudgetAlert) -> UUID:
    """The same for every delivery of an alert, so that receivers recognise repeats."""
    return uuid5(NAMESPACE_URL, f"budget:{alert.day}:{alert.pot}:{alert.level}")


class LogChannel:
    async def send(self, alert: BudgetAlert) -> None:
        log.warning(
            "budget_alert",
            pot=alert.pot,
            day=alert.day.isoformat(),
            level=alert.level,
            used_usd=str(alert.used_usd),
            limit_usd=str(alert.limit_usd),
        )


class EmailChannel:
    """E-mail by SMTP: `smtps://` uses TLS, `smtp://` STARTTLS where offered, and always before it
    sends a password.
    """

    def __init__(self, url: str, sender: str, to: str) -> None:
        self._server = urlsplit(url)
        self._sender, self._to = sender, to

    async def send(self, alert: BudgetAlert) -> None:
        email = EmailMessage()
        email["Subject"] = title(alert)
        email["From"], email["To"] = self._sender, self._to
        email["Message-ID"] = f"<{alert_id(alert)}@{self._sender.rpartition('@')[2]}>"
        email.set_content(message(alert))
        try:
            # The standard library's client blocks, so it runs in a thread.
            await asyncio.to_thread(self._send_email, email)
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelFailed(type(error).__name__) from error

    def _send_email(self, email: EmailMessage) -> None:
        server, host = self._server, self._server.hostname or ""
        context = ssl.create_default_context()
        if server.scheme == "smtps":
            client = smtplib.SMTP_SSL(host, server.port or 465, timeout=WITHIN_S, context=context)
        else:
            client = smtplib.SMTP(host, server.port or 587, timeout=WITHIN_S)
        with client:
            client.ehlo()
            if server.scheme == "smtp" and (client.has_extn("starttls") or server.username):
                client.starttls(context=context)
            if server.username:
                client.login(unquote(server.username), unquote(server.password or ""))
            client.send_message(email)


class _JsonChannel:
    """A channel that accepts JSON over HTTP."""

    async def _post(self, url: str, body: dict[str, Any]) -> None:
        try:
            async with httpx.AsyncClient(timeout=WITHIN_S, follow_redirects=False) as client:
                response = await client.post(url, json=body)
        except httpx.HTTPError as error:
            # Its message may contain the URL, which is a secret.
            raise ChannelFailed(type(error).__name__) from None
        if not response.is_success:
            raise ChannelFailed(f"status {response.status_code}")


class SlackChannel(_JsonChannel):
    """A Slack "incoming webhook", whose URL is its only credential."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, alert: BudgetAlert) -> None:
        await self._post(self._url, {"text": message(alert)})


class PostHogChannel(_JsonChannel):
    """PostHog's capture endpoint. Source: PostHog docs, "Capture and batch API endpoints"."""

    def __init__(self, host: str, api_key: str) -> None:
        self._url, self._api_key = f"{host.rstrip('/')}/i/v0/e/", api_key

    async def send(self, alert: BudgetAlert) -> None:
        await self.capture(
            "budget_alert",
            distinct_id="budget",
            event_id=alert_id(alert),
            at=alert.detected_at,
            properties={
                "pot": alert.pot,
                "day": alert.day.isoformat(),
                "level": alert.level,
                "used_usd": float(alert.used_usd),
                "limit_usd": float(alert.limit_usd),
            },
        )

    async def capture(
        self,
        event: str,
        *,
        distinct_id: str,
        event_id: UUID,
        at: datetime,
        properties: dict[str, Any],
    ) -> None:
        """Record an event; repeats with the same `event_id` are ignored.

        Raises: ChannelFailed: It was not accepted.
        """
        standard = {"distinct_id": distinct_id, "$process_person_profile": False}
        body = {
            "api_key": self._api_key,
            "event": event,
            "uuid": str(event_id),
            "timestamp": at.isoformat(),
            "properties": standard | properties,
        }
        await self._post(self._url, body)


def channels_of(config: Settings) -> dict[str, Channel]:
    """The configured channels by name."""
    channels: dict[str, Channel] = {"log": LogChannel()}
    if config.smtp_url:
        channels["email"] = EmailChannel(
            config.smtp_url, config.alert_email_from, config.alert_email_to
        )
    if config.slack_webhook_url:
        channels["slack"] = SlackChannel(config.slack_webhook_url)
    if config.posthog_api_key:
        channels["posthog"] = PostHogChannel(config.posthog_host, config.posthog_api_key)
    return channels
