"""Whatever nobody may read is given to the web process and the worker, at their most talkative, and
things are made to break: none of it is in anything they write, and nobody slips a line in.
"""

import json
import re
from datetime import UTC, datetime
from getpass import getuser
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from api.visitor_cookie import VisitorTokens
from domain.caller import SCHEDULER
from domain.spending.alerts import Alerts
from domain.spending.budget import Budget, BudgetLimits
from domain.spending.channels import channels_of
from settings import Settings
from tests.configuration import settings
from tests.e2e.stack import Site, running_site
from tests.fixtures.generation import MODEL
from tests.processes import Running, running_worker, until
from tests.security.sockets import joined
from tests.security.wire import said_to, statuses

CANARY = f"canary{uuid4().hex[:10]}"
CARD = "4242 4242 4242 4242"
MAIL = f"{CANARY}@mail.example"
FORGED = '{"event": "forged", "level": "info"}'
SAID = (
    f'{CANARY} "{CANARY}" {MAIL} {CARD} \r\n{FORGED}\n[INFO] {CANARY}\u2028{FORGED}\u0085\x1b[31m'
)
TOPIC = f"{CANARY} {MAIL} {CARD}\r\n{FORGED}"
"""What somebody writes: a name, an address, a card's number, and lines of their own."""


def guarded(url: str, user: str) -> str:
    """The same address with a password, where the server asks nobody for one."""
    parts = urlsplit(url)
    if parts.password is not None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or user}:{CANARY}@{host}").geturl()


SECRETS = {
    "SECRET_KEY": f"{CANARY}-of-the-signing-key-0123456789",
    "SECRET_KEY_PREVIOUS": f"{CANARY}-of-the-signing-key-before-01234",
    "DATABASE_URL": guarded(settings.database_url, getuser()),
    "REDIS_URL": guarded(settings.redis_url, "default"),
    "CAPTCHA_PROVIDER": "turnstile",
    "CAPTCHA_SITE_KEY": "0x4AAAAAAAsite",
    "CAPTCHA_SECRET": f"0x4AAAAAAA{CANARY}",
    "OPENROUTER_API_KEY": f"sk-or-v1-{CANARY}",
    "SMTP_URL": f"smtp://{CANARY}:{CANARY}@mail.invalid",
    "ALERT_EMAIL_FROM": MAIL,
    "ALERT_EMAIL_TO": MAIL,
    "SLACK_WEBHOOK_URL": f"https://hooks.invalid/services/{CANARY}",
    "POSTHOG_API_KEY": f"phc_{CANARY}",
    "POSTHOG_HOST": "https://posthog.invalid",
}
PRODUCTION = SECRETS | {
    "ENVIRONMENT": "production",
    "LOG_LEVEL": "DEBUG",
    "PUBLIC_URL": "https://factoids.example",
    "OPENROUTER_BASE_URL": "https://openrouter.invalid/api/v1",
    "CAPTCHA_VERIFY_URL": "https://captcha.invalid/verify",
    "CAPTCHA_AFTER_REFUSALS": "1",
    "GENERATE_LIMITS": "2/60",
}
HEADERS = {
    "Cookie": f"__Host-visitor={CANARY}; session={CANARY}",
    "X-Api-Key": f"adf_{CANARY}",
    "X-Request-Id": f"{CANARY}-{CARD}",
    "Stripe-Signature": f"t=1,v1={CANARY}",
    "User-Agent": CANARY,
    "Referer": f"https://{CANARY}.example/?token={CANARY}",
    "X-Forwarded-For": CANARY,
    "Authorization": f"Bearer {CANARY}",
}

# Errors that repeat what they were given, as those of databases like to.
BREAK = """DO $do$ BEGIN
ALTER TABLE factoids RENAME COLUMN search TO other;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'no room for "%" or %', NEW, NEW; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON feedback FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION refuse();
END $do$"""
MEND = """DO $do$ BEGIN
ALTER TABLE factoids RENAME COLUMN other TO search;
DROP FUNCTION refuse CASCADE;
END $do$"""


async def ask_for_everything(site: Site, factoid_id: str) -> list[str]:
    """Say the canaries wherever anything can be said; returns keys and cookies that were given."""
    given: list[str] = []
    feedback = {"factoid_id": factoid_id, "comment": SAID}
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"/api/factoids?q={CANARY}&token={CANARY}", None),
        ("GET", f"/api/factoids?cursor={CANARY}", None),
        ("GET", f"/{CANARY}?key={CANARY}", None),
        ("GET", f"/f/{CANARY}?utm={CANARY}", None),
        ("GET", f"/?q={CANARY}&session={CANARY}", None),
        ("DELETE", f"/api/keys/{CANARY}", None),
        ("POST", "/api/factoids/feedback", feedback),
        ("POST", "/api/factoids/feedback", feedback | {SAID: SAID}),
        ("POST", "/api/factoids/generate", {"topic": TOPIC, "model": MODEL}),
        ("POST", "/api/factoids/generate", {"topic": TOPIC, "model": SAID}),
        ("POST", "/api/factoids/generate", {"topic": TOPIC}),
        ("POST", "/api/factoids/generate", {"topic": TOPIC, "captcha_token": CANARY}),
        ("POST", "/api/factoids/generate", {"topic": TOPIC, "captcha_token": CANARY}),
        ("POST", "/api/keys", {"name": CANARY}),
    ]
    for headers in ({}, HEADERS):
        # With all at once nobody is let in: the key is nobody's.
        async with httpx.AsyncClient(
            base_url=site.origin, headers=headers, trust_env=False, timeout=60
        ) as client:
            token = VisitorTokens(SECRETS["SECRET_KEY"]).write(uuid4())
            given.append(token)
            cookie = {} if headers else {"Cookie": f"__Host-visitor={token}"}
            for method, path, body in asked:
                answer = await client.request(method, path, json=body, headers=cookie)
                assert answer.status_code != 500 or "q=" in path or "feedback" in path
                if answer.status_code == 201 and path == "/api/keys":
                    given.append(answer.json()["token"])
    return given


async def say_everything(site: Site) -> str:
    """The same over the pages' websocket; returns the name of the tab."""
    tab = str(uuid4())
    here = {"Origin": "https://127.0.0.1", "Cookie": f"__Host-visitor={CANARY}"}
    async with joined(site.origin, tab, here) as socket:
        await socket.event(f"reflex___state____state.{CANARY}", {CANARY: SAID})
        await socket.event(
            "reflex___state____state.hydrate_and_load",
            {},
            router_data={"pathname": f"/{CANARY}", "query": {"token": CANARY}},
        )
        await socket.say(f"42/_event,{SAID}")
        await socket.hears("nothing", within_s=2)
    asked = f"GET /_event/?EIO=4&transport=websocket&token={CANARY}&sid={CANARY} HTTP/1.1\r\n"
    upgrade = "Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    for origin in ("https://127.0.0.1", f"https://{CANARY}.example"):
        handshake = f"{asked}{upgrade}{key}Origin: {origin}\r\n\r\n"
        assert statuses(await said_to(site.origin, handshake.encode(), until=b"\r\n")) != [101]
    return tab


async def tell_of_spending(database: Any) -> None:
    """Something for the worker to tell by mail, Slack and PostHog, none of which answers."""
    limits = BudgetLimits.of(Settings())
    budget = Budget(limits, lambda: datetime.now(UTC))
    async with database.sessions.begin() as session:
        await budget.reserve(session, SCHEDULER, uuid4(), limits.scheduled_usd)
    names = ("smtp_url", "slack_webhook_url", "posthog_api_key", "posthog_host")
    given: Any = {name: SECRETS[name.upper()] for name in names}
    channels = channels_of(Settings(**given))
    await Alerts(database.sessions, channels).watch()


async def has_said(running: Running | Site, *words: str) -> None:
    async def said() -> bool:
        return all(word in running.log for word in words)

    await until(said, f"a process to say {words}")


def lines_of(log: str) -> list[dict[str, Any]]:
    """Every line; the server's supervisor only says that it started."""
    lines = re.split("\r\n|[\n\r\u2028\u0085]", log.rstrip("\n"))
    return [json.loads(one) for one in lines if not re.fullmatch(r"\[INFO\] [\w .:/()-]+", one)]


async def test_no_canary_is_in_anything_a_process_writes(database, redis, make):
    await make.model(MODEL)
    factoid = await make.factoid()
    async with running_site(**PRODUCTION) as site:
        given = await ask_for_everything(site, str(factoid.id))
        given.append(await say_everything(site))
        await tell_of_spending(database)
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(BREAK)
        try:
            given += await ask_for_everything(site, str(factoid.id))
            async with running_worker(**PRODUCTION) as worker:
                await has_said(
                    worker, "models_not_refreshed", "alert_not_sent", "run_generation", "RaiseError"
                )
                written = worker.log
        finally:
            async with database.engine.begin() as connection:
                await connection.exec_driver_sql(MEND)
        log = site.log

    assert "unexpected_error" in log
    for canary in (CANARY, CARD, "mail.example", "forged", *given):
        assert canary not in log
        assert canary not in written
    assert len(lines_of(log)) > 20
    assert {line["event"] for line in lines_of(written)} >= {"worker_ready", "job_started"}


async def test_nor_when_all_goes_well(generation_harness, standin):
    """In production no model on this machine may answer, so this worker is one for trying out."""
    trying_out = SECRETS | {"LOG_LEVEL": "DEBUG", "OPENROUTER_BASE_URL": standin.base_url}
    async with running_worker(**trying_out) as worker:
        request_id = await generation_harness.ask(TOPIC)
        (request,) = await generation_harness.ended(request_id)
        await has_said(worker, "job_ended")
        log = worker.log

    factoid = await generation_harness.factoid(request)
    assert factoid
    for canary in (CANARY, CARD, "mail.example", "forged", factoid.text):
        assert canary not in log
