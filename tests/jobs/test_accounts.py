"""Keys made, raised and revoked on the command line, and the API that learns of it."""

from uuid import uuid4

import httpx
import pytest

from domain.accounts.keys import id_in
from tests.processes import run_command, until


async def test_the_owner_makes_lists_raises_and_revokes_keys(api: httpx.AsyncClient, make):
    await make.model()
    told = ["--scopes=read,generate,admin", "--windows=2/60", "--budget-usd=1.50", "--days=30"]
    made = await run_command("make_key", "the night job", *told)
    key_id, token = made.stdout.split()
    bearing = {"Authorization": f"Bearer {token}"}

    async def windows() -> list[tuple[int, int]]:
        limits = (await api.get("/api/factoids/limits", headers=bearing)).json()["policies"]
        (generate,) = [one for one in limits if one["policy"] == "generate"]
        return [(one["limit"], one["window_s"]) for one in generate["windows"]]

    assert str(id_in(token)) == key_id
    assert await windows() == [(2, 60)]
    asked = await api.post("/api/factoids/generate", json={}, headers=bearing)
    assert asked.status_code == 202

    raised = await run_command("raise_key", key_id, "--windows=7/60,9/3600", "--budget-usd=2")

    async def seen() -> bool:
        return await windows() == [(7, 60), (9, 3_600)]

    assert raised.returncode == 0
    await until(seen, "the limits to be known")
    listed = (await run_command("list_keys")).stdout
    assert key_id in listed
    assert f"…{token[-4:]}" in listed
    assert "admin,generate,read" in listed
    assert "1 made" in listed
    assert token[26:] not in listed

    assert (await run_command("revoke_key", key_id)).stdout == "Revoked.\n"

    async def refused() -> bool:
        return (await api.get("/api/factoids", headers=bearing)).status_code == 401

    await until(refused, "the key to be dead")
    assert "revoked" in (await run_command("list_keys")).stdout


async def test_a_visitor_is_signed_out_on_the_command_line(api: httpx.AsyncClient):
    await api.post("/api/keys", json={"name": "x"})
    cookie = {"Cookie": f"visitor={api.cookies['visitor']}"}

    done = await run_command("sign_out", api.cookies["visitor"].split(".")[2])

    async def nobody() -> bool:
        return (await api.get("/api/keys", headers=cookie)).json()["items"] == []

    assert done.returncode == 0
    await until(nobody, "the visitor to be nobody")


@pytest.mark.parametrize(
    "words",
    [
        ["make_key", "x", "--scopes=read,everything"],
        ["make_key", "x", "--windows=often"],
        ["make_key", "x", "--budget-usd=NaN"],
        ["make_key", "x", "--budget-usd=-1"],
        ["make_key", "  "],
        ["make_key"],
        ["raise_key", str(uuid4())],
        ["revoke_key", str(uuid4())],
        ["revoke_key", "that one"],
        ["nonsense"],
    ],
)
async def test_what_cannot_be_done_is_said_and_not_a_traceback(words: list[str], empty_database):
    done = await run_command(*words)

    assert done.returncode != 0
    assert done.stderr
    assert "Traceback" not in done.stderr
