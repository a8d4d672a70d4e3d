"""A limit holds exactly however many processes count at once."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from tests.processes import ROOT
from tests.proof import at_length

PROCESSES = 8
AT_ONCE = 1_000
RUNS = at_length(5, whole=100)
"""A few of them show a limit that leaks."""


@pytest.fixture
async def processes(redis) -> AsyncGenerator[list[asyncio.subprocess.Process]]:
    started = [
        await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "tests.limiter_process",
                "10/60,15/3600",
                str(AT_ONCE // PROCESSES),
            ),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    assert [await _line(one) for one in started] == ["ready"] * PROCESSES
    yield started
    for one in started:
        one.kill()
        await one.communicate()


@pytest.mark.processes
async def test_a_thousand_at_once_from_eight_processes_get_exactly_the_limit(processes):
    admitted: list[int] = []
    for _ in range(RUNS):
        name = f"{uuid4()}\n".encode()
        for one in processes:
            one.stdin.write(name)
        admitted.append(sum([int(await _line(one)) for one in processes]))

    assert admitted == [10] * RUNS


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout
    return (await process.stdout.readline()).decode().strip()
