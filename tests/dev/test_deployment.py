"""What a host reads: the Procfile and Render's blueprint, which must say the same."""

from typing import Any, cast

import yaml

from dev import procfile
from dev.state import ROOT


def blueprint() -> dict[str, Any]:
    return cast(dict[str, Any], yaml.safe_load((ROOT / "render.yaml").read_text()))


def services() -> dict[str, dict[str, Any]]:
    return {service["type"]: service for service in blueprint()["services"]}


def test_the_procfile_names_every_process():
    assert {"web", "worker", "release"} <= set(procfile.lines())


def test_render_starts_the_same_processes():
    lines = (ROOT / "Procfile").read_text().replace("${HOST:-0.0.0.0}", "0.0.0.0")

    assert f"web: {services()['web']['startCommand']}\n" in lines
    assert f"worker: {services()['worker']['startCommand']}\n" in lines
    assert f"release: {services()['web']['preDeployCommand']}\n" in lines


def test_render_has_every_part():
    assert set(services()) == {"web", "worker", "cron", "keyvalue"}
    assert services()["web"]["healthCheckPath"] == "/health/live"
    assert services()["keyvalue"]["maxmemoryPolicy"] == "noeviction"
    assert services()["keyvalue"]["ipAllowList"] == []
    assert [database["ipAllowList"] for database in blueprint()["databases"]] == [[]]


def test_render_installs_by_hash_only():
    for service in services().values():
        if "buildCommand" in service:
            assert "--require-hashes -r requirements.lock" in service["buildCommand"]


def test_no_secret_is_written_down():
    secrets = [
        variable
        for owner in (*blueprint()["services"], *blueprint()["envVarGroups"])
        for variable in owner.get("envVars", [])
        if variable.get("key", "").endswith(("_KEY", "_URL", "_SECRETS"))
    ]

    assert secrets
    assert all("value" not in variable for variable in secrets)
