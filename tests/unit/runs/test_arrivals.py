"""Bodies are taken in up to a size, within a time, and so many of one client at once."""

import asyncio

import pytest

from apps.runs.adapters.arrivals import MOST_OF_CLIENT, Arrivals, Gone, TooLong, TooMany, TooSlow, whole_body

pytestmark = pytest.mark.spec("SPINE-B5")
NO_HEADERS: dict[bytes, bytes] = {}
FOUR, BELOW_ZERO = {b"content-length": b"4"}, {b"content-length": b"-1"}


def sender(*parts, more=False):
    """Give the parts one by one, and then nothing for ever when there is `more` to come."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting[-1]["more_body"] = more

    async def receive():
        return waiting.pop(0) if waiting else await asyncio.Future()

    return receive


@pytest.fixture
async def arrivals():
    made = Arrivals(seconds=0.05, look=0.01)
    made.start()
    yield made
    await made.close()


async def test_a_body_in_parts_is_put_together(arrivals):
    assert await arrivals.read(sender(b"ab", b"", b"c"), NO_HEADERS, 3, "a") == b"abc"


@pytest.mark.parametrize(
    ("given", "parts"),
    [(FOUR, [b""]), (BELOW_ZERO, [b""]), (NO_HEADERS, [b"abcd"]), (NO_HEADERS, [b"ab", b"cd"])],
)
async def test_a_body_over_the_limit_is_refused_as_soon_as_that_is_known(arrivals, given, parts):
    with pytest.raises(TooLong):
        await arrivals.read(sender(*parts, more=True), given, 3, "a")


@pytest.mark.parametrize(("extensions", "found"), [(None, None), ({}, None), ({"weft.body": lambda: b"abc"}, b"abc")])
def test_a_body_is_taken_at_once_where_the_server_has_it(extensions, found):
    assert whole_body({"extensions": extensions}, 3) == found


def test_a_body_that_is_there_already_has_the_same_limit():
    with pytest.raises(TooLong):
        whole_body({"extensions": {"weft.body": lambda: b"abcd"}}, 3)


async def test_a_client_that_hangs_up_is_gone(arrivals):
    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(Gone):
        await arrivals.read(receive, NO_HEADERS, 3, "a")


async def test_a_body_that_does_not_come_in_time_is_given_up_and_its_task_goes_on(arrivals):
    with pytest.raises(TooSlow):
        await arrivals.read(sender(b"a", more=True), NO_HEADERS, 3, "a")
    assert await arrivals.read(sender(b"b"), NO_HEADERS, 3, "a") == b"b"
    assert asyncio.current_task().cancelling() == 0


async def test_somebody_elses_cancellation_is_not_taken_for_slowness(arrivals):
    reading = asyncio.create_task(arrivals.read(sender(b"a", more=True), NO_HEADERS, 3, "a"))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_one_client_sends_so_many_at_once_and_others_are_not_touched():
    patient = Arrivals()
    reading = [
        asyncio.create_task(patient.read(sender(b"a", more=True), NO_HEADERS, 3, "slow")) for _ in range(MOST_OF_CLIENT)
    ]
    await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await patient.read(sender(b"a"), NO_HEADERS, 3, "slow")
    assert await patient.read(sender(b"b"), NO_HEADERS, 3, "other") == b"b"
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert await patient.read(sender(b"a"), NO_HEADERS, 3, "slow") == b"a"
