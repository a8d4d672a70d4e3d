"""Rounds of load, each server in its turn, so that a busy minute strikes all alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.load import load
from bench.processes import Server
from dev.console import CommandError

CONNECTIONS = 32
SECONDS = 1.2
WARMING_S = 0.6


@dataclass
class Runner:
    """One server and the questions it is asked in this race."""

    server: Server
    requests: Iterator[bytes]


@dataclass(frozen=True)
class Result:
    """Medians over the rounds."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    """CPU time of the server per request; steadier than requests/s on a busy machine."""


def race(runners: dict[str, Runner], *, rounds: int) -> dict[str, Result]:
    """The same load for every runner, by name.

    Raises:
        CommandError: A request failed; then its figures would mean nothing.
    """
    for runner in runners.values():
        load(runner.server.port, runner.requests, connections=CONNECTIONS, seconds=WARMING_S)
    laps: dict[str, list[tuple[float, float, float, float | None]]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            laps[name].append(_lap(name, runner))
    return {name: _medians(of_one) for name, of_one in laps.items()}


def _lap(name: str, runner: Runner) -> tuple[float, float, float, float | None]:
    before = runner.server.cpu_s()
    seen = load(runner.server.port, runner.requests, connections=CONNECTIONS, seconds=SECONDS)
    after = runner.server.cpu_s()
    if seen.failed:
        raise CommandError(f"{seen.failed} of {seen.count} requests to {name} failed.")
    cpu = None if before is None or after is None else (after - before) / seen.count * 1e6
    return seen.per_s, seen.p50_ms, seen.p99_ms, cpu


def _medians(laps: list[tuple[float, float, float, float | None]]) -> Result:
    cpu = [lap[3] for lap in laps if lap[3] is not None]
    return Result(
        per_s=median(lap[0] for lap in laps),
        p50_ms=median(lap[1] for lap in laps),
        p99_ms=median(lap[2] for lap in laps),
        cpu_us=median(cpu) if cpu else None,
    )
