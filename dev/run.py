"""`make run`: databases, tables, pages and processes, up to one address to open."""

import http.client
import os
import sys
import time

from dev import ports, preflight, standins
from dev.console import CommandError, echo, fail, step
from dev.databases import Databases
from dev.environment import declared
from dev.frontend import build_if_needed
from dev.lockfile import locked
from dev.pdeathsig import end_with_parent
from dev.shutdown import graceful
from dev.state import RUN_STATE, StateFile
from dev.supervisor import Supervisor

DEFAULT_PORT = 8000


def main() -> int:
    if "MAKELEVEL" in os.environ:
        end_with_parent()
    try:
        with locked(RUN_STATE) as holder:
            return run(holder)
    except CommandError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


def run(holder: StateFile) -> int:
    values = declared()
    standins.check_payments(values)
    preflight.check(values)
    databases = Databases(
        RUN_STATE, postgres="DATABASE_URL" not in values, valkey="REDIS_URL" not in values
    )
    supervisor = Supervisor(RUN_STATE, also_check=databases.check)
    try:
        with graceful():
            prepare(values, databases, supervisor)
            serve(values, supervisor, holder)
            announce(values, holder)
            supervisor.shows_warnings = True
            while True:
                supervisor.check()
                time.sleep(0.2)
    except KeyboardInterrupt:
        echo("\nStopping …")
        return 0
    finally:
        holder.put(stopping=True)
        supervisor.stop()
        databases.stop()
        echo("Stopped; the data is kept." if databases.variables else "Stopped.")


def prepare(values: dict[str, str], databases: Databases, supervisor: Supervisor) -> None:
    """Start databases and fill them, build the pages; adds the addresses to `values`."""
    with step("Starting Postgres and Redis"):
        values.update(databases.start())
    supervisor.run("release", values, "Migrating the database")
    supervisor.run("load", values, "Loading the first factoids")
    build_if_needed(supervisor, values)


def serve(values: dict[str, str], supervisor: Supervisor, holder: StateFile) -> None:
    """Start stand-ins, worker and site; answers once the site is ready."""
    with step("Starting the site"):
        if not values.keys() & {"OPENROUTER_API_KEY", "MODELS_PRICE_USD"}:
            values.update(standins.start_model(values, supervisor))
        values["HOST"] = ports.LOOPBACK
        port = values.setdefault("PORT", str(choose_port(holder)))
        if "PAYMENTS" in values:
            values.update(standins.start_payments(values, supervisor, holder, RUN_STATE))
        for name in ("worker", "web"):
            supervisor.start(name, values)
        supervisor.wait_until(lambda: is_ready(int(port)), "The site")


def choose_port(settings: StateFile) -> int:
    """The port of the last run, else the first free one from the default on."""
    last = settings.get("port") or DEFAULT_PORT
    for port in (last, *range(DEFAULT_PORT, DEFAULT_PORT + 100)):
        if not ports.taken(port):
            settings.put(port=port)
            return port
    return ports.free()


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announce(values: dict[str, str], holder: StateFile) -> None:
    address = f"http://localhost:{values['PORT']}"
    holder.put(address=address)
    echo()
    echo("Ctrl-C stops it and keeps the data. Warnings appear below, everything is in .dev/log.")
    if values.get("STANDIN_MODEL"):
        echo("A stand-in model answers, because OPENROUTER_API_KEY is not set.")
    if "PAYMENTS" in values:
        till = values["STRIPE_API_URL"]
        echo(f"A stand-in takes the payments; what happens to them is chosen at {till}")
    echo(f"Andy's Daily Factoids is at {address}")


if __name__ == "__main__":
    sys.exit(main())
