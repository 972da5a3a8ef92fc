"""The group committer: so many groups at a time, everybody gets their own result or their own error."""

import asyncio

import psycopg
import pytest

from apps.runs.adapters.group import LEAST_BESIDE, GroupCommitter, is_passing


def committer(execute, **options):
    made = GroupCommitter(execute, lambda item: item[0], name="test", **options)
    made.start()
    return made


async def test_the_next_group_is_what_arrived_during_the_previous_commit():
    groups = []
    gate = asyncio.Event()

    async def execute(items):
        groups.append(len(items))
        await gate.wait()
        return [number for _, number in items]

    made = committer(execute)
    calls = [asyncio.ensure_future(made.put(("a", number))) for number in range(10)]
    gate.set()
    assert await asyncio.gather(*calls) == list(range(10))
    assert sum(groups) == 10
    assert len(groups) <= 2
    await made.close()


@pytest.mark.parametrize(("second", "groups"), [(LEAST_BESIDE, [1, LEAST_BESIDE]), (LEAST_BESIDE - 1, [1])])
async def test_a_second_group_begins_beside_the_first_when_it_is_large_enough(second, groups):
    begun = []
    gate = asyncio.Event()

    async def execute(items):
        begun.append(len(items))
        await gate.wait()
        return [number for _, number in items]

    made = committer(execute, width=2)
    first = asyncio.ensure_future(made.put(("a", 0)))
    await asyncio.wait_for(_until(lambda: begun), 5)
    calls = [asyncio.ensure_future(made.put(("a", number))) for number in range(second)]
    await asyncio.wait_for(_until(lambda: begun == groups and made.backlog == second * (len(groups) == 1)), 5)
    closing = asyncio.ensure_future(made.close())
    gate.set()
    assert await asyncio.gather(first, *calls) == [0, *range(second)]
    await closing


async def _until(holds):
    while not holds():
        await asyncio.sleep(0)


async def test_a_refused_item_fails_its_own_caller_only():
    async def execute(items):
        if any(number == 3 for _, number in items):
            raise psycopg.DataError("no threes")
        return [number for _, number in items]

    made = committer(execute)
    calls = [made.put(("a" if number % 2 else "b", number)) for number in range(6)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [result for result in results if isinstance(result, int)] == [0, 1, 2, 4, 5]
    assert isinstance(results[3], psycopg.DataError)
    await made.close()


async def test_a_broken_connection_is_tried_again():
    tries = []

    async def execute(items):
        tries.append(len(items))
        if len(tries) == 1:
            raise psycopg.OperationalError("the connection is gone")
        return [None for _ in items]

    made = committer(execute)
    await made.put(("a", 1))
    assert tries == [1, 1]
    await made.close()


async def test_a_full_queue_makes_offers_wait_and_loses_nothing():
    stored = []

    async def execute(items):
        await asyncio.sleep(0)
        stored.extend(items)
        return [None for _ in items]

    made = committer(execute, queue=5, group=2)
    for number in range(50):
        await made.offer(("a", number))
        assert made.backlog <= 5
    await made.close()
    assert [number for _, number in stored] == list(range(50))


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (psycopg.OperationalError("gone"), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.ProgramLimitExceeded(), False),
        (psycopg.errors.UniqueViolation(), False),
        (ConnectionResetError(), True),
        (ValueError(), False),
    ],
)
def test_only_troubles_that_pass_are_sent_again(error, passing):
    assert is_passing(error) is passing
