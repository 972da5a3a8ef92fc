"""Background tasks end when they are told to, whatever they make of a cancellation."""

import asyncio

import pytest

from apps.runs.adapters.tasks import end_tasks

pytestmark = pytest.mark.spec("SPINE-B5")


async def test_a_task_that_takes_a_cancellation_for_a_lost_connection_is_ended_all_the_same():
    mistakes = []

    async def stubborn():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                mistakes.append("lost")
                if len(mistakes) > 1:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end_tasks([task])
    assert task.cancelled()
    assert mistakes == ["lost", "lost"]


async def test_ending_nothing_and_what_has_ended_takes_no_time():
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await end_tasks([done])
    await end_tasks([])
