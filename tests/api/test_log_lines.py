"""What running processes write: one id in every line, and nothing anybody would want back."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from tests.processes import RunningAPI, running_api, until

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "canary-of-the-signing-key-0123456789",
    "PUBLIC_URL": "https://factoids.example",
    "OPENROUTER_BASE_URL": "https://openrouter.ai/api/v1",
    "OPENROUTER_API_KEY": "sk-or-v1-canary0123456789",
    "LOG_LEVEL": "DEBUG",
}


# An error that repeats what it was given, as those of databases like to.
BREAK = """DO $do$ BEGIN
ALTER TABLE factoids RENAME COLUMN search TO other;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'no room for "%"', NEW.comment; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON feedback FOR EACH ROW EXECUTE FUNCTION refuse();
END $do$"""
MEND = """DO $do$ BEGIN
ALTER TABLE factoids RENAME COLUMN other TO search;
DROP FUNCTION refuse CASCADE;
END $do$"""


async def log_with(api: RunningAPI, *words: str) -> str:
    """All that was written, once it has these; a line comes after the answer it is about."""

    async def written() -> bool:
        return all(word in api.log for word in words) and api.log.endswith("\n")

    await until(written, "the lines of all requests")
    return api.log


def lines_of(log: str) -> list[dict[str, Any]]:
    """The lines of the process itself; its supervisor only says that it started it."""
    own = [line for line in log.splitlines() if not re.match(r"\[INFO\] ", line)]
    return [json.loads(line) for line in own]


async def test_no_key_cookie_token_or_text_is_ever_logged(make, database):
    """Also not at the most talkative level, and not when things break."""
    factoid = await make.factoid()
    await make.model()
    canaries = {name: f"canary{uuid4().hex}" for name in ("cookie", "token", "key", "text", "path")}
    headers = {
        "Cookie": f"visitor={canaries['cookie']}; session={canaries['cookie']}",
        "X-Api-Key": f"adf_{canaries['key']}",
        "Stripe-Signature": canaries["key"],
        "User-Agent": canaries["text"],
    }
    said = f"{canaries['text']} has three hearts"
    ids: list[str] = []
    async with running_api(**PRODUCTION) as api, api.client(headers=headers) as client:

        async def ask(method: str, path: str, **sent: Any) -> int:
            answer = await client.request(method, path, **sent)
            ids.append(answer.headers["x-request-id"])
            return answer.status_code

        own_cookie = (
            await client.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
        ).headers["set-cookie"]
        made = await client.post("/api/keys", json={"name": canaries["text"]})
        token = made.json()["token"]
        bearing = {"Authorization": f"Bearer {token}"}
        wrong = {"Authorization": f"Bearer {canaries['key']}"}
        assert await ask("GET", "/api/factoids", headers=bearing) == 200
        assert await ask("GET", "/api/factoids", headers=wrong) == 401
        assert await ask("GET", f"/api/factoids?q={token}") == 200
        assert await ask("GET", f"/api/keys/{token}/rotate") == 405
        feedback = {"factoid_id": str(factoid.id), "comment": said}
        assert await ask("GET", f"/api/factoids?token={canaries['token']}&q={said}") == 200
        assert await ask("GET", f"/api/factoids?cursor={canaries['token']}") == 400
        assert await ask("GET", f"/{canaries['path']}?key={canaries['token']}") == 404
        assert await ask("DELETE", f"/api/factoids?api_key={canaries['token']}") == 405
        assert await ask("POST", "/api/factoids/feedback", json=feedback) == 201
        assert await ask("POST", "/api/factoids/feedback", json={**feedback, said: 1}) == 422
        assert await ask("POST", "/api/factoids/feedback", content=said.encode()) == 415
        assert await ask("POST", "/api/factoids/generate", json={"topic": said}) == 202
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(BREAK)
        try:
            assert await ask("POST", "/api/factoids/feedback", json=feedback) == 500
            assert await ask("GET", f"/api/factoids?q={said}", headers=bearing) == 500
        finally:
            async with database.engine.begin() as connection:
                await connection.exec_driver_sql(MEND)
        log = await log_with(api, *ids)

    for canary in canaries.values():
        assert canary not in log
    assert own_cookie.startswith("__Host-visitor=")
    assert own_cookie.endswith("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure")
    own_name, own_seal = re.findall(r"\.(\w{32})\.([\w-]{43});", own_cookie)[0]
    for secret in ("canary", own_name, own_seal, "three hearts", "Bearer", "adf_", token[26:]):
        assert secret not in log
    lines = lines_of(log)
    by_id = {line.get("request_id"): line for line in lines if line["event"] == "request"}
    assert set(ids) <= set(by_id)
    for line in lines:
        assert {"event", "level", "timestamp"} <= set(line)
    broken = [line for line in lines if line["event"] == "unexpected_error"]
    assert [line["request_id"] for line in broken] == ids[-2:]
    assert all("Traceback" in line["exception"] for line in broken)


async def test_a_line_names_the_route_and_not_the_address(make):
    factoid = await make.factoid()
    async with running_api(**PRODUCTION) as api, api.client() as client:
        answer = await client.get(
            f"/api/factoids/{factoid.id}", headers={"X-Request-Id": "from-the-client_1"}
        )
        odd = await client.get("/health/live", headers={"X-Request-Id": "two words"})
        log = await log_with(api, *(one.headers["x-request-id"] for one in (answer, odd)))

    assert str(factoid.id) not in log
    lines = {line.get("request_id"): line for line in lines_of(log)}
    line = lines[answer.headers["x-request-id"]]
    assert line["client_request_id"] == "from-the-client_1"
    assert line["route"].startswith("/api/factoids/{factoid_id")
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["ms"] >= 0
    assert "client_request_id" not in lines[odd.headers["x-request-id"]]


async def test_in_development_lines_are_for_people():
    async with running_api(ENVIRONMENT="development", LOG_LEVEL="INFO") as api:
        log = await log_with(api, "route=/health/live")

    line = next(line for line in log.splitlines() if "route=/health/live" in line)
    assert "request_id=" in line
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)


async def test_servers_write_no_access_log_of_their_own(served):
    async with served.client() as client:
        answer = await client.get("/api/factoids?token=somebodys")
    await log_with(served, answer.headers["x-request-id"])

    assert "somebodys" not in served.log
    assert '"GET ' not in served.log
