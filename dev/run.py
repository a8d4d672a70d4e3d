"""`make run`: everything the product needs, from databases to one address to open."""

import http.client
import os
import sys
import time
from collections.abc import Callable

from dev import payments, ports, preflight, procfile
from dev.console import CommandError, echo, fail, step
from dev.databases import Databases
from dev.environment import check_values, declared
from dev.frontend import build_if_needed
from dev.lockfile import locked
from dev.processes import end_with_starter
from dev.shutdown import Stop, stoppable
from dev.state import RUN_STATE, StateFile
from dev.supervisor import Supervisor

USUAL_PORT = 8000
READY_WITHIN_S = 120


def main() -> int:
    if "MAKELEVEL" in os.environ:
        end_with_starter()
    try:
        with locked(RUN_STATE) as memory:
            return run(memory)
    except CommandError as problem:
        return fail(problem)
    except KeyboardInterrupt:
        return 130


def run(memory: StateFile) -> int:
    values = declared()
    embedded = {name for name in ("DATABASE_URL", "REDIS_URL") if name not in values}
    check(values, embedded)
    databases = Databases(
        RUN_STATE, postgres="DATABASE_URL" in embedded, valkey="REDIS_URL" in embedded
    )
    supervisor = Supervisor(RUN_STATE, memory)
    try:
        with stoppable():
            values = prepare(values, databases, supervisor)
            address = serve(values, memory, supervisor)
            announce(address, values, memory)
            supervisor.on_console = True
            while True:
                supervisor.check()
                time.sleep(0.2)
    except Stop:
        echo("\nStopping …")
        return 0
    finally:
        memory.put(stopping=True)
        supervisor.stop()
        databases.stop()
        echo("Stopped; the data is kept." if embedded else "Stopped.")


def check(values: dict[str, str], embedded: set[str]) -> None:
    """Refuse what cannot work before anything is started."""
    payments.check(values)
    check_values(values)
    if embedded and values.get("ENVIRONMENT", "development") == "production":
        raise CommandError(f"{min(embedded)}: must be set when ENVIRONMENT is production.")
    if "PORT" in values and ports.taken(int(values["PORT"])):
        raise CommandError(f"PORT: {values['PORT']} is taken; choose another, or leave it out.")
    if "DATABASE_URL" in values:
        preflight.postgres("DATABASE_URL", values["DATABASE_URL"])
    if "REDIS_URL" in values:
        preflight.key_value("REDIS_URL", values["REDIS_URL"])
    if "OPENROUTER_API_KEY" in values:
        preflight.openrouter(values)


def prepare(values: dict[str, str], databases: Databases, supervisor: Supervisor) -> dict[str, str]:
    """Databases, tables, first factoids, pages; answers the values with the addresses in."""
    with step("Starting Postgres and Redis"):
        supervisor.end_leftovers()
        values = {**values, **databases.start()}
        for name, (popen, log) in databases.children().items():
            supervisor.adopt(name, popen, log)
    with step("Migrating the database") as current:
        supervisor.do("migrate", procfile.commands()["release"], values, current)
    with step("Loading the first factoids") as current:
        supervisor.do("load", ["python", "-m", "jobs", "load_factoids"], values, current)
    build_if_needed(supervisor, values)
    return values


def serve(values: dict[str, str], memory: StateFile, supervisor: Supervisor) -> str:
    """Start the product as the Procfile says and answer its address once it is ready."""
    with step("Starting the site"):
        if "OPENROUTER_API_KEY" not in values:
            port = start_standin(values, supervisor)
            values["OPENROUTER_BASE_URL"] = f"http://{ports.LOOPBACK}:{port}/api/v1"
            values["OPENROUTER_API_KEY"] = "standin"
            values["STANDIN_MODEL"] = "1"
        values["HOST"] = ports.LOOPBACK
        values["PORT"] = values.get("PORT") or str(choose_port(memory))
        if "PAYMENTS" in values:
            port = payments.start_standin(values, supervisor, memory, RUN_STATE)
            wait_until(lambda: ports.taken(port), supervisor, "The stand-in for Stripe")
        commands = procfile.commands()
        for name in ("worker", "web"):
            supervisor.start(name, commands[name], values)
        wait_until(lambda: answers(int(values["PORT"]), "/health/ready"), supervisor, "The site")
    return f"http://localhost:{values['PORT']}"


def start_standin(values: dict[str, str], supervisor: Supervisor) -> int:
    port = ports.free()
    command = ["python", "-m", "tests.standins.openrouter", "--port", str(port)]
    supervisor.start("model", command, values)
    wait_until(lambda: ports.taken(port), supervisor, "The stand-in model")
    return port


def choose_port(memory: StateFile) -> int:
    """The usual port, or one near it that stays this clone's own."""
    remembered = memory.get("port")
    for port in (remembered or USUAL_PORT, *range(USUAL_PORT, USUAL_PORT + 100)):
        if not ports.taken(port):
            memory.put(port=port)
            return port
    return ports.free()


def wait_until(condition: Callable[[], bool], supervisor: Supervisor, what: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not condition():
        supervisor.check()
        if time.monotonic() > deadline:
            raise CommandError(f"{what} did not get ready in {READY_WITHIN_S} s; see .dev/log.")
        time.sleep(0.1)


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announce(address: str, values: dict[str, str], memory: StateFile) -> None:
    memory.put(address=address)
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
