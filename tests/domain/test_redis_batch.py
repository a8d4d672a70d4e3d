"""A script that many ask at once: each gets their own answer, and each run is made once."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from domain.infra.redis_batch import BatchedScript

COUNT = """
if ARGV[1] == 'bad' then return redis.error_reply('as asked') end
return ARGV[1] .. redis.call('INCR', KEYS[1])
"""


async def test_each_gets_their_own_answer(redis):
    script = BatchedScript(redis, COUNT)

    answers = await asyncio.gather(*(script.run([f"of {n}"], [f"{n} "]) for n in range(50)))

    assert answers == [f"{n} 1".encode() for n in range(50)]


async def test_what_one_may_not_do_is_no_harm_to_others(redis):
    script = BatchedScript(redis, COUNT)

    answers = await asyncio.gather(
        *(script.run(["n"], [said]) for said in ("a", "bad", "b")), return_exceptions=True
    )

    assert answers[0] == b"a1"
    assert isinstance(answers[1], ResponseError)
    assert answers[2] == b"b2"


async def test_a_redis_that_forgot_the_script_runs_it_once_for_each(redis):
    script = BatchedScript(redis, COUNT)
    await script.run(["n"], [""])
    await redis.script_flush()

    await asyncio.gather(*(script.run(["n"], [""]) for _ in range(20)))

    assert await redis.get("n") == b"21"


async def test_who_leaves_is_not_waited_for_and_holds_nobody_up(redis):
    script = BatchedScript(redis, COUNT)
    leaving = asyncio.create_task(script.run(["n"], [""]))
    staying = asyncio.create_task(script.run(["n"], [""]))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying in {b"1", b"2"}
    with pytest.raises(asyncio.CancelledError):
        await leaving
